/** Run data as datagrams: asked for, refused, lost, doubled, forged. */
import { samplesOf, type RunEvent } from '@lucihub/analog'
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { conformance, oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import { createSocket } from 'node:dgram'
import {
  connectDevice,
  encodeDescription,
  parseMisbehaviour,
  serveDevice,
  type ConnectOptions,
  type DeviceClient,
  type ServeOptions,
} from '../src/index.ts'
import { encodeDatagram } from '../src/wire/framing.ts'
import type { MessageToSend } from '../src/wire/messages.ts'
import { lucidac, MAC } from './descriptions.ts'
import { scriptedDevice } from './raw-peer.ts'

const host = '127.0.0.1'
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
const request = {
  id: 'run-1',
  icTimeNs: 100_000,
  opTimeNs: 100_000_000,
  sampleRateHz: 100_000,
  haltOnOverload: false,
  finalValues: true,
}

/** A device that gives datagrams, and a client that asked for them. */
async function connected(serve: Partial<ServeOptions> = {}, connect: Partial<ConnectOptions> = {}) {
  const computer = new SimulatedComputer({ description: lucidac, pace })
  const server = await serveDevice({ computer, port: 0, datagrams: true, ...serve })
  const client: DeviceClient = await connectDevice({ host, port: server.port, dataOver: 'udp', ...connect })
  const close = async () => {
    await client.close()
    await server.close()
  }
  return { ...client, close }
}

conformance('A virtual LUCIDAC that streams datagrams', () => connected())

async function collected(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

test('data comes as datagrams once the device has agreed', async () => {
  const client = await connected()
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  expect(client.dataOver()).toBe('tcp')
  const events = await collected(client.run(request))
  expect(client.dataOver()).toBe('udp')
  expect(events.filter(({ kind }) => kind === 'gap')).toEqual([])
  // 2 channels of 10 000 samples are far more datagrams than chunks that fit a frame of the connection.
  expect(events.filter(({ kind }) => kind === 'samples').length).toBeGreaterThan(50)
  await client.close()
})

test.each<[string, MessageToSend]>([
  ['refuses', { udpDataStreamingRefusedResponse: {} }],
  ['does not know of them', { errorMessage: { description: 'unknown' } }],
])('a device that %s gives its data on the connection', async (_name, reply) => {
  const commands: string[] = []
  const plain = await scriptedDevice(({ messageV1 }, end) => {
    commands.push(messageV1?.kind ?? '')
    if (messageV1?.extractCommand) end.reply({ extractResponse: { module: encodeDescription(lucidac) } })
    else if (messageV1?.udpDataStreamingCommand) end.reply(reply)
    else {
      end.reply({ startRunResponse: {} })
      end.push({ runStateChangeMessage: { run: { id: 'run-1' }, new_: 2 } })
    }
  })
  const client = await connectDevice({ host, port: plain.port, dataOver: 'udp' })
  for (const id of ['run-1', 'run-1']) {
    expect(await collected(client.run({ ...request, id }))).toMatchObject([{ phase: 'DONE' }])
  }
  expect(client.dataOver()).toBe('tcp')
  expect(commands).toEqual(['extractCommand', 'udpDataStreamingCommand', 'startRunCommand', 'startRunCommand'])
  await client.close()
  await plain.close()
})

test('a proxy is not asked for datagrams', async () => {
  const commands: string[] = []
  const client = await connected(
    { proxy: { token: 'secret' }, onCommand: ({ command }) => commands.push(command) },
    { token: 'secret' },
  )
  await collected(client.run({ ...request, opTimeNs: 100_000 }))
  expect(commands).toEqual(['authRequest', 'extractCommand', 'startRunCommand'])
  await client.close()
})

test.each([0.001, 0.01, 0.05])('a loss of %p of all datagrams is told, chunk by chunk', async (share) => {
  const client = await connected({ misbehaviours: [parseMisbehaviour(`udp-loss=${share}`)] })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  let lost = 0
  let runs = 0
  for (; runs < 8 && (lost === 0 || runs < 2); runs++) {
    let next = 0
    let nextIndex = 0
    for await (const event of client.run({ ...request, id: `run-${runs}`, opTimeNs: 500_000_000 })) {
      if (event.kind === 'gap') {
        expect(event.fromChunk).toBe(next)
        lost += event.toChunk - event.fromChunk
        next = event.toChunk
        nextIndex = NaN
      }
      if (event.kind !== 'samples') continue
      const { firstIndex, count, blocks } = event.chunk
      if (!Number.isNaN(nextIndex)) expect(firstIndex).toBe(nextIndex)
      // The value proves that the index is true in spite of what was lost before.
      const [value = NaN] = samplesOf(blocks[0] ?? new Uint8Array(), 'f32')
      expect(value).toBeCloseTo(0.8 * Math.cos(0.1 * firstIndex), 2)
      next += 1
      nextIndex = firstIndex + count
    }
    if (!Number.isNaN(nextIndex)) expect(nextIndex).toBe(50_000)
  }
  expect(lost).toBeGreaterThan(0)
  await client.close()
})

test('datagrams that are garbage, of another run or of nobody are counted and change nothing', async () => {
  const forger = createSocket('udp4')
  const computer = new SimulatedComputer({ description: lucidac, pace })
  const ports: number[] = []
  const server = await serveDevice({
    computer,
    port: 0,
    datagrams: true,
    onCommand: ({ message }) => {
      if (message?.udpDataStreamingCommand) ports.push(message.udpDataStreamingCommand.port)
    },
  })
  const client = await connectDevice({ host, port: server.port, dataOver: 'udp' })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  const run = async (id: string) =>
    (await collected(client.run({ ...request, id }))).filter(({ kind }) => kind === 'gap')
  expect(await run('first')).toEqual([])
  const send = (bytes: Uint8Array) =>
    new Promise<void>((resolve) => forger.send(bytes, ports[0] ?? 0, host, () => resolve()))
  await send(Buffer.alloc(400, 0xff))
  await send(encodeDatagram({ messageV1: { pingCommand: {} } }))
  await send(encodeDatagram({ messageV1: { runDataMessage: { run: { id: 'foreign' }, data: {} } } }))
  expect(await run('second')).toEqual([])
  expect(client.statistics()).toMatchObject({ strayDatagrams: 2, foreignFrames: 1 })
  forger.close()
  await client.close()
  await server.close()
})

test('a consumer that does not keep up loses datagrams, and is told which', async () => {
  const client = await connected({}, { queueBytesMax: 16 * 1024 })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  let known = 0
  let gaps = 0
  let waited = false
  for await (const event of client.run(request)) {
    if (event.kind === 'samples') known += event.chunk.count
    if (event.kind === 'gap') gaps += 1
    // Until the device has sent all there is, which it does not hold back for anybody.
    if (event.kind === 'samples' && !waited) {
      waited = true
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }
  expect(gaps).toBeGreaterThan(0)
  expect(known).toBeLessThan(10_000)
  await client.close()
})
