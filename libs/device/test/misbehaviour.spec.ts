/** Devices that misbehave, each in its own way: the client ends typed, tells what is missing, and nobody else notices. */
import { Problem, type RunEvent } from '@lucihub/analog'
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import {
  connectDevice,
  encodeDescription,
  encodeFrame,
  MISBEHAVIOUR_MODES,
  parseMisbehaviour,
  serveDevice,
  type ConnectOptions,
  type MisbehaviourMode,
  type ServeOptions,
} from '../src/index.ts'
import { lucidac, MAC } from './descriptions.ts'
import { scriptedDevice } from './raw-peer.ts'

const host = '127.0.0.1'
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
const request = {
  id: 'run-1',
  icTimeNs: 1_000,
  opTimeNs: 100_000_000,
  sampleRateHz: 10_000,
  haltOnOverload: false,
  finalValues: false,
}
const CHUNK = 50
const SAMPLES = 1_000

/** What came of a run: its samples per channel, the samples in its gaps, and how it ended. */
interface Outcome {
  readonly samples: number
  readonly lostChunks: number
  readonly end: string
}

async function outcome(events: AsyncIterable<RunEvent>): Promise<Outcome> {
  let samples = 0
  let lostChunks = 0
  let end = 'no word'
  try {
    for await (const event of events) {
      if (event.kind === 'samples') samples += event.chunk.count
      if (event.kind === 'gap') lostChunks += event.toChunk - event.fromChunk
      if (event.kind === 'phase') end = `${event.phase} ${event.reason}`.trim()
    }
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Problem)
    const { type, message } = Problem.from(thrown)
    end = `${type}: ${message}`
  }
  return { samples, lostChunks, end }
}

async function served(options: Partial<ServeOptions>) {
  const computer = new SimulatedComputer({ description: lucidac, pace, chunkSamples: CHUNK })
  return serveDevice({ computer, port: 0, ...options })
}

async function runOn(port: number, id = 'run-1', options: Partial<ConnectOptions> = {}): Promise<Outcome> {
  const client = await connectDevice({ host, port, runGraceMs: 1_500, ...options })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  const result = await outcome(client.run({ ...request, id }))
  await client.close()
  return result
}

const WHOLE = { samples: SAMPLES, lostChunks: 0, end: 'DONE' }
const gapsThenDone = ({ samples, lostChunks, end }: Outcome) => {
  expect(lostChunks).toBeGreaterThan(0)
  expect(samples + lostChunks * CHUNK).toBe(SAMPLES)
  expect(end).toBe('DONE')
}
const ends = (pattern: RegExp) => (result: Outcome) => {
  expect(result.end).toMatch(pattern)
  expect(result.samples).toBeLessThan(SAMPLES)
}
const nothingHappens = (result: Outcome) => expect(result).toEqual(WHOLE)

const EXPECTED: Record<MisbehaviourMode, readonly [string, (result: Outcome) => void]> = {
  'drop-chunks': ['drop-chunks=0.3', gapsThenDone],
  'duplicate-chunks': ['duplicate-chunks=0.5', nothingHappens],
  'reorder-chunks': ['reorder-chunks=0.5', nothingHappens],
  'corrupt-chunks': [
    'corrupt-chunks=0.5',
    ends(/^device-failed: The device reported run run-1 wrongly: A data message has impossible samples: /),
  ],
  'udp-loss': ['udp-loss=0.3', gapsThenDone],
  'never-done': [
    'never-done',
    ({ samples, end }) => {
      expect(samples).toBe(SAMPLES)
      expect(end).toMatch(/^device-failed: The device did not report the progress of run run-1 for 1\.6\d* s\.$/)
    },
  ],
  'done-twice': ['done-twice', nothingHappens],
  'early-done': ['early-done', gapsThenDone],
  garbage: ['garbage=3', ends(/^device-failed: The device at 127\.0\.0\.1:\d+ was lost: /)],
  'length-lie': ['length-lie', ends(/was lost: A frame announces more than 262084 bytes\.$/)],
  'foreign-run': ['foreign-run=5', nothingHappens],
  'stale-run': ['stale-run=5', nothingHappens],
  disconnect: ['disconnect=3', ends(/^device-failed: The device at 127\.0\.0\.1:\d+ closed the connection\.$/)],
  silence: ['silence=3', ends(/^device-failed: The device did not report the progress of run run-1 for 1\.6\d* s\.$/)],
  slow: ['slow=5', nothingHappens],
  flood: [
    'flood=200',
    ({ end }) => expect(end).toMatch(/wrongly: More samples came than the run has time for: over 67536\.$/),
  ],
  'backend-lost': ['backend-lost=3', ends(/^ERROR Cluster degraded: one or more backends disconnected$/)],
}

test.each(MISBEHAVIOUR_MODES)(
  '%s: the client ends as it should, and a good device beside it is not disturbed',
  async (mode) => {
    const [text, judge] = EXPECTED[mode]
    const bad = await served({ misbehaviours: [parseMisbehaviour(text)], datagrams: true })
    const good = await served({})
    const dataOver = mode === 'udp-loss' ? 'udp' : 'tcp'
    if (mode === 'udp-loss') {
      // Datagrams hold more samples than these chunks: the sizes agree.
      expect((await runOn(bad.port, 'run-0', { dataOver })).end).toBe('DONE')
    }
    const [result, beside] = await Promise.all([runOn(bad.port, 'run-1', { dataOver }), runOn(good.port)])
    judge(result)
    expect(beside).toEqual(WHOLE)
    await bad.close()
    await good.close()
  },
)

test('frames of an older run are dropped and counted', async () => {
  const bad = await served({ misbehaviours: [parseMisbehaviour('stale-run=3')] })
  const client = await connectDevice({ host, port: bad.port })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  expect(await outcome(client.run({ ...request, id: 'older' }))).toEqual(WHOLE)
  expect(client.statistics().foreignFrames).toBe(0)
  expect(await outcome(client.run(request))).toEqual(WHOLE)
  expect(client.statistics().foreignFrames).toBe((3 * SAMPLES) / CHUNK)
  await client.close()
  await bad.close()
})

test('a chunk that comes twice is counted', async () => {
  const bad = await served({ misbehaviours: [parseMisbehaviour('duplicate-chunks=1')] })
  const client = await connectDevice({ host, port: bad.port })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  expect(await outcome(client.run(request))).toEqual(WHOLE)
  expect(client.statistics().staleChunks).toBe(SAMPLES / CHUNK)
  await client.close()
  await bad.close()
})

test('a device that sends nothing but what nobody asked for is given up', async () => {
  const frame = encodeFrame({ messageV1: { runStateChangeMessage: { run: { id: 'x' }, new_: 5 } } })
  const chatter = await scriptedDevice(({ messageV1 }, { reply, socket }) => {
    if (messageV1?.extractCommand) reply({ extractResponse: { module: encodeDescription(lucidac) } })
    else socket.write(Buffer.alloc(100_000 * frame.length, frame))
  })
  const client = await connectDevice({ host, port: chatter.port })
  await expect(client.reset()).rejects.toMatchObject({
    type: 'device-failed',
    message: `The device at ${host}:${chatter.port} was lost: It sent 100000 messages that nobody asked for.`,
  })
  expect(client.statistics().foreignFrames).toBe(100_000)
  await chatter.close()
})

test('a reader who does not keep up makes the run fail as on a machine, where the device does not wait', async () => {
  const computer = new SimulatedComputer({ description: lucidac, pace })
  const server = await serveDevice({ computer, port: 0, daqBufferBytes: 64 * 1024 })
  const client = await connectDevice({ host, port: server.port, queueBytesMax: 64 * 1024 })
  await client.configure(testConfiguration(MAC, oscillator(0.8)))
  let last = ''
  for await (const event of client.run({ ...request, opTimeNs: 9e9, sampleRateHz: 500_000 })) {
    if (event.kind === 'phase') last = `${event.phase} ${event.reason}`
    // The reader rests until the device has given up: it is then free for a reset.
    if (event.kind !== 'samples' || last !== 'OP ') continue
    const second = await connectDevice({ host, port: server.port, busyRetryMs: 10 })
    await second.reset()
    await second.close()
    last = 'OP'
  }
  expect(last).toBe('ERROR DMA overflow')
  await client.close()
  await server.close()
})

test.each([
  ['sulk', `There is no misbehaviour sulk; use ${MISBEHAVIOUR_MODES.join(', ')}.`],
  ['never-done=1', 'never-done takes no argument.'],
  ['drop-chunks=2', 'drop-chunks takes a share of 0 to 1.'],
  ['garbage=', 'garbage takes a chunk of 0 to 1000000.'],
])('%s is not a misbehaviour', (text, message) => {
  expect(() => parseMisbehaviour(text)).toThrow(message)
})
