import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { deviceClass, type ActiveDevice } from '@lucihub/contracts'
import { lockDevice } from './device-lock.ts'

const lucidac: ActiveDevice = {
  id: '02-10-C0-00-00-01',
  name: 'lab',
  deviceClass: deviceClass.toProto('LUCIDAC'),
  host: 'a',
  port: 1,
  descriptionHash: '',
}

/** Another process that holds a machine's name until it is killed. */
async function holder(name: string) {
  const child = spawn(
    process.execPath,
    ['-e', `require('net').createServer().listen('\\0lucihub-${name}', () => console.log('held'))`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(child.stdout, 'data')
  return child
}

test('a device has one holder, who gives it back', async () => {
  const lock = await lockDevice(lucidac)
  expect(lock).not.toBeNull()
  expect(await lockDevice({ ...lucidac, host: 'elsewhere' })).toBeNull()
  await lock?.release()
  const again = await lockDevice(lucidac)
  expect(again).not.toBeNull()
  await again?.release()
})

test('simulators are told apart by where they answer', async () => {
  const simulator = { ...lucidac, deviceClass: deviceClass.toProto('SIMULATOR') }
  const locks = await Promise.all([lockDevice(simulator), lockDevice({ ...simulator, port: 2 })])
  expect(locks).not.toContain(null)
  expect(await lockDevice(simulator)).toBeNull()
  for (const lock of locks) await lock?.release()
})

test('a process that was stopped keeps its device, one that was killed does not', async () => {
  const child = await holder(lucidac.id)
  child.kill('SIGSTOP')
  expect(await lockDevice(lucidac)).toBeNull()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = await lockDevice(lucidac)
  expect(lock).not.toBeNull()
  await lock?.release()
})
