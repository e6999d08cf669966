/** The program as a process, and its devices as their clients see them. */
import { connectComputer, connectDevice, probe } from '@lucihub/device'
import { record, oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDevices, type ListeningDevice } from '../src/devices.ts'
import { readOptions } from '../src/options.ts'

test('several devices listen, each with its own name, MAC address and errors', async () => {
  const announced: ListeningDevice[] = []
  const problems: unknown[] = []
  const options = readOptions(
    '--port 0 --count 2 --mac 04-E9-E5-00-00-FF --name twin --pace fast --noise realistic'.split(' '),
  )
  const running = await startDevices(options, {
    onListening: (device) => announced.push(device),
    onProblem: (problem) => problems.push(problem),
  })
  expect(announced.map(({ name, mac }) => [name, mac])).toEqual([
    ['twin', '04-E9-E5-00-00-FF'],
    ['twin-2', '04-E9-E5-00-01-00'],
  ])
  const finals = []
  for (const { host, port, mac } of announced) {
    const client = await connectDevice({ host, port })
    await client.configure(testConfiguration(mac, oscillator(0.8)))
    const { phases, final } = await record(client)
    expect(phases).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
    finals.push(final)
    await client.close()
  }
  expect(finals[0]).not.toEqual(finals[1])
  expect(problems).toEqual([])
  await running.close()
})

test('a device of the JSON-lines generation computes the same', async () => {
  const running = await startDevices(readOptions('--port 0 --pace fast --generation json-lines'.split(' ')), quiet)
  const [{ host, port, mac } = { host: '', port: 0, mac: '' }] = running.devices
  const client = await connectComputer({ host, port })
  expect(client.generation).toBe('json-lines')
  await client.configure(testConfiguration(mac, oscillator(0.8)))
  const { phases, channels } = await record(client)
  expect(phases).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
  expect(channels[0]?.at(-1)).toBeCloseTo(0.8 * Math.cos(9.9), 2)
  await client.close()
  await running.close()
})

test('when one device cannot listen, none is left behind', async () => {
  const first = await startDevices(readOptions(['--port', '0']), quiet)
  const taken = first.devices[0]?.port ?? 0
  await expect(startDevices(readOptions(['--port', String(taken)]), quiet)).rejects.toMatchObject({
    type: 'unavailable',
    message: `Cannot listen on 127.0.0.1:${taken}: EADDRINUSE.`,
  })
  await first.close()
})

test('a REDAC is one endpoint of several carriers, behind a token', async () => {
  const line = '--port 0 --kind redac --carriers 2 --count 2 --mac 04-E9-E5-00-00-01 --token secret --pace fast'
  const running = await startDevices(readOptions(line.split(' ')), quiet)
  const carriers: string[][] = []
  for (const { host, port } of running.devices) {
    await expect(connectDevice({ host, port, token: 'guess' })).rejects.toMatchObject({ type: 'device-failed' })
    const client = await connectDevice({ host, port, token: 'secret' })
    const { phases, final } = await record(client)
    expect(phases).toEqual(['TAKE_OFF', 'IC', 'OP', 'OP_END', 'DONE'])
    expect(final).toHaveLength(2 * 3 * 16)
    carriers.push((await client.describe()).carriers.map(({ id }) => id))
    await client.close()
  }
  expect(carriers).toEqual([
    ['04-E9-E5-00-00-01', '04-E9-E5-00-00-02'],
    ['04-E9-E5-00-00-03', '04-E9-E5-00-00-04'],
  ])
  await running.close()
})

test('what is wrong with a device can be chosen', async () => {
  const line = '--port 0 --kind mredac --udp --pace fast --misbehave backend-lost=1'
  const running = await startDevices(readOptions(line.split(' ')), quiet)
  const [{ host, port, mac } = { host: '', port: 0, mac: '' }] = running.devices
  const client = await connectDevice({ host, port, dataOver: 'udp' })
  await client.configure({
    carriers: [{ carrier: mac, clusters: [], adc: [{ output: 40, gain: 1, offset: 0, probe: 0 }] }],
    probes: [{ label: 'x', unit: '' }],
    problemTimePerSecond: 0,
  })
  const { phases } = await record(client, { opTimeNs: 100_000_000 })
  expect(client.dataOver()).toBe('udp')
  expect(phases.at(-1)).toBe('ERROR')
  await client.close()
  await running.close()
})

const quiet = { onListening: () => {}, onProblem: () => {} }

describe('as a process', () => {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
  const folder = mkdtempSync(join(tmpdir(), 'virtual-lucidac-'))
  const file = join(folder, 'virtual-lucidac.mjs')
  // In a process of its own: the bundler does not work inside of jest's.
  beforeAll(() => {
    const bundle = `import { bundle } from '${join(root, 'tools/build.mjs')}'
      await bundle(${JSON.stringify({ main: join(root, 'apps/virtual-lucidac/src/main.ts'), file })})`
    execFileSync(process.execPath, ['--input-type=module', '--eval', bundle], { cwd: root })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'it says where it listens, and %s ends it cleanly in the middle of a run',
    async (signal) => {
      const child = spawn(process.execPath, [file, '--port', '0', '--name', 'mine'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = new Promise((resolve) => child.once('exit', (code, by) => resolve(code ?? by)))
      const line = await new Promise<string>((resolve) =>
        child.stdout.once('data', (data: Buffer) => resolve(data.toString())),
      )
      const device = JSON.parse(line) as ListeningDevice
      expect(device).toEqual({
        event: 'listening',
        host: '127.0.0.1',
        port: device.port,
        mac: device.mac,
        name: 'mine',
      })
      expect((await probe({ host: device.host, port: device.port })).description.carriers[0]?.id).toBe(device.mac)
      const client = await connectDevice({ host: device.host, port: device.port })
      const request = {
        id: 'r',
        icTimeNs: 1_000,
        opTimeNs: 9e9,
        sampleRateHz: 1_000,
        haltOnOverload: false,
        finalValues: false,
      }
      const run = async () => {
        for await (const event of client.run(request))
          if (event.kind === 'phase' && event.phase === 'OP') child.kill(signal)
      }
      await expect(run()).rejects.toMatchObject({ type: 'device-failed' })
      expect(await exited).toBe(0)
    },
  )

  test('a port in use ends it with a message', async () => {
    const holder = await startDevices(readOptions(['--port', '0']), quiet)
    const port = holder.devices[0]?.port ?? 0
    const child = spawn(process.execPath, [file, '--port', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
    expect(said).toBe(`virtual-lucidac: Cannot listen on 127.0.0.1:${port}: EADDRINUSE.\n`)
    await holder.close()
  })
})
