/** The bytes of E.1.1 of the protocol's description, as measured on a device: both sides write exactly these. */
import type { Configuration } from '@lucihub/analog'
import { SimulatedComputer } from '@lucihub/simulation'
import { connectDevice, serveDevice, encodeDescription } from '../src/index.ts'
import { lucidac, MAC } from './descriptions.ts'
import { rawClient, scriptedDevice } from './raw-peer.ts'

const hex = (text: string) => Buffer.from(text).toString('hex')
const bytesOf = (text: string) => text.replaceAll(' ', '')
const RUN = '7f1c0d6e-9a39-4c6f-8a4e-0d1f5d8c2b11'
const ID = 'b2a5d0c4-1f43-4c1b-9b1e-8f1f6e2d3c4a'

const PING = bytesOf('06 a20603a20600')
const PONG = bytesOf('06 a20603aa0600')
const EXTRACT = bytesOf(`34 0a021001 aa062d 0a24${hex(ID)} da0c04 10011801`)
const RESET = bytesOf('12 0a021001 aa060b 0a026132 d20c04 18012001')
const RESET_REPLY = bytesOf('0a aa0607 0a026132 fa1200')
const START_RUN = bytesOf(
  `5b 0a021001 aa0654 0a026135 ea0c4d 0a260a24${hex(RUN)} 1217 0a0608a08d061003 12070880a09c011003 180120013001 1a0a 0801 10d08603 1801 2001`,
)
const START_RUN_REPLY = bytesOf('0a aa0607 0a026135 821300')
const TAKE_OFF = bytesOf(`58 aa0655 0a24${hex(ID)} 8a132c 0a260a24${hex(RUN)} 1804 2200`)

const oneProbe: Configuration = {
  carriers: [{ carrier: MAC, clusters: [], adc: [{ output: 0, gain: 1, offset: 0, probe: 0 }] }],
  probes: [{ label: 'x', unit: '' }],
  problemTimePerSecond: 0,
}

test('the client writes ping, extract, reset and start_run as the vendor does', async () => {
  const device = await scriptedDevice(({ generic, messageV1 }, { send, reply, push }) => {
    if (generic) send({ generic: { pingResponse: { micros: 77 } } })
    if (messageV1?.extractCommand) reply({ extractResponse: { module: encodeDescription(lucidac) } })
    if (messageV1?.resetCommand) reply({ resetResponse: {} })
    if (messageV1?.configCommand) reply({ configResponse: {} })
    if (messageV1?.startRunCommand) {
      reply({ startRunResponse: {} })
      push({ runStateChangeMessage: { run: { id: RUN }, new_: 2, time: {} } })
    }
  })
  const ids = [ID, 'a2', 'a4', 'a5']
  const client = await connectDevice({ host: '127.0.0.1', port: device.port, nextId: () => ids.shift() ?? 'none' })
  expect(await client.ping()).toBe(77)
  expect(device.received()).toBe(PING)
  expect(await client.describe()).toEqual(lucidac)
  expect(device.received()).toBe(PING + EXTRACT)
  await client.reset()
  expect(device.received()).toBe(PING + EXTRACT + RESET)
  await client.configure(oneProbe)
  const before = device.received()
  const request = {
    id: RUN,
    icTimeNs: 100_000,
    opTimeNs: 2_560_000,
    sampleRateHz: 50_000,
    haltOnOverload: true,
    finalValues: true,
  }
  const events = []
  for await (const event of client.run(request)) events.push(event)
  expect(device.received()).toBe(before + START_RUN)
  expect(events).toEqual([{ kind: 'phase', phase: 'DONE', timeNs: 0, reason: '' }])
  await client.close()
  await device.close()
})

test('the device answers ping, reset and start_run as a device does', async () => {
  const server = await serveDevice({
    computer: new SimulatedComputer({ description: lucidac }),
    port: 0,
    clockUs: () => 0,
    nextId: () => ID,
  })
  const client = await rawClient(server.port)
  client.send(PING)
  expect(await client.bytes(7)).toBe(PONG)
  client.send(RESET)
  expect(await client.bytes(7 + 11)).toBe(PONG + RESET_REPLY)
  client.send(START_RUN)
  const known = PONG + RESET_REPLY + START_RUN_REPLY + TAKE_OFF
  expect((await client.bytes(known.length / 2)).slice(0, known.length)).toBe(known)
  client.socket.destroy()
  await server.close()
})

test('the device describes itself with slashes, under the id of the question', async () => {
  const server = await serveDevice({ computer: new SimulatedComputer({ description: lucidac }), port: 0 })
  const client = await rawClient(server.port)
  client.send(EXTRACT)
  const { messageV1 } = await client.next(() => true)
  expect(messageV1?.id).toBe(ID)
  const [item] = messageV1?.extractResponse?.module?.items ?? []
  expect(item?.entity).toBeNull()
  expect(item?.entitySpecification?.entity?.id).toBe(`/${MAC}`)
  expect(item?.entitySpecification?.entity?.children.map(({ id }) => id)).toEqual(['/0', '/CTRL', '/FP'])
  client.socket.destroy()
  await server.close()
})
