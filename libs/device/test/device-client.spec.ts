/** The client against the server over TCP, and against devices that misbehave. */
import {
  portableCarrier,
  redacDescription,
  type CarrierConfiguration,
  type RunEvent,
  type RunRequest,
  type SampleChunk,
} from '@lucihub/analog'
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { conformance, oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import {
  connectDevice,
  encodeDescription,
  probe,
  serveDevice,
  type ConnectOptions,
  type DeviceClient,
} from '../src/index.ts'
import type { Envelope, MessageToSend } from '../src/wire/messages.ts'
import { lucidac, MAC, redac } from './descriptions.ts'
import { scriptedDevice, type DeviceEnd } from './raw-peer.ts'

const host = '127.0.0.1'
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
const request: RunRequest = {
  id: 'run-1',
  icTimeNs: 100_000,
  opTimeNs: 10_000_000,
  sampleRateHz: 10_000,
  haltOnOverload: false,
  finalValues: false,
}
const configuration = testConfiguration(MAC, oscillator(0.8))

conformance('A virtual LUCIDAC over TCP', async () => {
  const server = await serveDevice({ computer: new SimulatedComputer({ description: lucidac, pace }), port: 0 })
  const client = await connectDevice({ host, port: server.port })
  return {
    ...client,
    close: async () => {
      await client.close()
      await server.close()
    },
  }
})

/** Answers all that precedes a run as a LUCIDAC does; `onStart` and everything else is up to the test. */
async function device(
  onStart: (end: DeviceEnd) => void,
  other: (envelope: Envelope, end: DeviceEnd) => void = () => {},
) {
  const script = (envelope: Envelope, end: DeviceEnd): void => {
    const { messageV1 } = envelope
    if (messageV1?.extractCommand) end.reply({ extractResponse: { module: encodeDescription(lucidac) } })
    else if (messageV1?.resetCommand) end.reply({ resetResponse: {} })
    else if (messageV1?.configCommand) end.reply({ configResponse: {} })
    else if (messageV1?.startRunCommand) {
      end.reply({ startRunResponse: {} })
      onStart(end)
    } else other(envelope, end)
  }
  return scriptedDevice(script)
}

async function withClient(
  port: number,
  use: (client: DeviceClient) => Promise<void>,
  options: Partial<ConnectOptions> = {},
): Promise<void> {
  const client = await connectDevice({ host, port, ...options })
  try {
    await use(client)
  } finally {
    await client.close()
  }
}

async function collected(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
  const all: RunEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

const state = (new_: number, fields: object = {}): MessageToSend => ({
  runStateChangeMessage: { run: { id: 'run-1' }, new_, time: {}, ...fields },
})
const samples = (chunk: number, id = 'run-1', count = 2): MessageToSend => ({
  runDataMessage: {
    run: { id, chunk },
    entity: { path: `/${MAC}` },
    data: {
      data: new Uint8Array(new Float32Array(2 * count).fill(chunk).buffer),
      type: { float_: { bitwidth: 32 } },
      channels: [
        { idx: 0, gain: 1, probe: 0 },
        { idx: 1, gain: 1, probe: 1 },
      ],
      sampleCount: count,
      channelStride: 2,
    },
  },
})
const [ERROR, DONE, TAKE_OFF] = [1, 2, 4]

test('a probe tells what a device is, and the version of its description', async () => {
  const server = await serveDevice({ computer: new SimulatedComputer({ description: lucidac }), port: 0 })
  const first = await probe({ host, port: server.port })
  expect(first.description).toEqual(lucidac)
  expect(first.hash).toMatch(/^[0-9a-f]{64}$/)
  expect((await probe({ host, port: server.port })).hash).toBe(first.hash)
  await server.close()
  await expect(probe({ host, port: server.port })).rejects.toMatchObject({
    type: 'device-failed',
    message: `No device answers at ${host}:${server.port}: ECONNREFUSED.`,
  })
})

test('a peer that speaks something else is not a device', async () => {
  const http = await scriptedDevice(
    (_envelope, { socket }) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(20)),
  )
  await expect(probe({ host, port: http.port }, { timeoutMs: 1_000 })).rejects.toMatchObject({ type: 'device-failed' })
  await http.close()
})

test('lost chunks are gaps, and frames of other runs are dropped and counted', async () => {
  const lossy = await device((end) => {
    end.push(state(TAKE_OFF))
    end.push(samples(0))
    end.push(samples(0, 'another'))
    end.push(samples(3))
    end.push({ runStateChangeMessage: { run: { id: 'another' }, new_: DONE } })
    end.push(state(DONE, { time: { value: 10_100, prefix: 2 }, reason: 'halted' }))
    end.push(samples(4))
  })
  await withClient(lossy.port, async (client) => {
    await client.configure(configuration)
    const events = await collected(client.run(request))
    expect(
      events.map((event) => (event.kind === 'samples' ? `samples ${event.chunk.firstIndex}` : event.kind)),
    ).toEqual(['phase', 'samples 0', 'gap', 'samples 6', 'phase'])
    expect(events[2]).toEqual({ kind: 'gap', fromChunk: 1, toChunk: 3 })
    expect(events[4]).toEqual({ kind: 'phase', phase: 'DONE', timeNs: 10_100_000, reason: 'halted' })
    expect(client.statistics().foreignFrames).toBeGreaterThanOrEqual(2)
  })
  await lossy.close()
})

test('ERROR ends a run like DONE, with its reason', async () => {
  const failing = await device((end) => end.push(state(ERROR, { reason: 'DMA overflow' })))
  await withClient(failing.port, async (client) => {
    await client.configure(configuration)
    expect(await collected(client.run(request))).toEqual([
      { kind: 'phase', phase: 'ERROR', timeNs: 0, reason: 'DMA overflow' },
    ])
  })
  await failing.close()
})

test('a device that falls silent in a run has failed', async () => {
  const silent = await device((end) => end.push(state(TAKE_OFF)))
  await withClient(
    silent.port,
    async (client) => {
      await client.configure(configuration)
      await expect(collected(client.run({ ...request, icTimeNs: 1e6, opTimeNs: 19e6 }))).rejects.toMatchObject({
        type: 'device-failed',
        message: 'The device did not report the progress of run run-1 for 0.05 s.',
      })
    },
    { runGraceMs: 30 },
  )
  await silent.close()
})

test('a device that is lost in a run has failed, for the run and for every later command', async () => {
  const dying = await device((end) => {
    end.push(samples(0))
    end.socket.end()
  })
  await withClient(dying.port, async (client) => {
    await client.configure(configuration)
    const seen: string[] = []
    const run = async () => {
      for await (const event of client.run(request)) seen.push(event.kind)
    }
    const lost = { type: 'device-failed', message: `The device at ${host}:${dying.port} closed the connection.` }
    await expect(run()).rejects.toMatchObject(lost)
    expect(seen).toEqual(['samples'])
    await expect(client.reset()).rejects.toMatchObject(lost)
  })
  await dying.close()
})

test.each<[string, MessageToSend, string]>([
  [
    'impossible samples',
    {
      runDataMessage: {
        run: { id: 'run-1' },
        data: { sampleCount: 1_000, channelStride: 2, data: new Uint8Array(4), type: { float_: { bitwidth: 32 } } },
      },
    },
    'A data message has impossible samples: 1000 samples at a stride of 2 need 8000 bytes, there are 4.',
  ],
  [
    'samples of a carrier it does not have',
    { runDataMessage: { run: { id: 'run-1' }, entity: { path: '/AA-AA-AA-AA-AA-AA' }, data: {} } },
    '"AA-AA-AA-AA-AA-AA" sent samples but has no ADC channel configured.',
  ],
  ['a state that does not exist', state(99), 'there is no run state 99'],
  [
    'too many final values',
    {
      runDataEndMessage: {
        run: { id: 'run-1' },
        data: { sampleCount: 1, channelStride: 17, data: new Uint8Array(68), type: { float_: { bitwidth: 32 } } },
      },
    },
    '17 final values are more than the device has outputs',
  ],
])('a device that reports %s has failed', async (_name, message, detail) => {
  const wrong = await device((end) => end.push(message))
  await withClient(wrong.port, async (client) => {
    await client.configure(configuration)
    await expect(collected(client.run(request))).rejects.toMatchObject({
      type: 'device-failed',
      message: `The device reported run run-1 wrongly: ${detail}`,
    })
  })
  await wrong.close()
})

test('a device that sends garbage is disconnected', async () => {
  const garbage = await device((end) => void end.socket.write(Buffer.alloc(64, 0xff)))
  await withClient(garbage.port, async (client) => {
    await client.configure(configuration)
    await expect(collected(client.run(request))).rejects.toMatchObject({
      type: 'device-failed',
      message: `The device at ${host}:${garbage.port} was lost: A frame announces more than 262084 bytes.`,
    })
  })
  await garbage.close()
})

test('a busy device is asked again, and given up when it stays busy', async () => {
  let asked = 0
  const busy = await device(
    () => {},
    ({ messageV1 }, { reply }) => {
      asked += 1
      reply(
        messageV1?.getOverloadStatusCommand && asked > 2
          ? {
              getOverloadStatusResponse: {
                status: { elements: [{ entity: { path: `${MAC}/0/M1` }, idx: 3, overload: true }] },
              },
            }
          : { busyResponse: {} },
      )
    },
  )
  await withClient(
    busy.port,
    async (client) => {
      expect(await client.overload()).toEqual({ overloaded: true, outputs: [11] })
      expect(asked).toBe(3)
    },
    { busyRetryMs: 5 },
  )
  asked = -1_000
  await withClient(
    busy.port,
    async (client) => {
      await expect(client.overload()).rejects.toMatchObject({
        type: 'unavailable',
        message: `The device at ${host}:${busy.port} has been busy for 0.02 s.`,
      })
    },
    { busyRetryMs: 5, busyWaitMs: 20 },
  )
  await busy.close()
})

test('a command that is not answered, or answered wrongly, is a Problem', async () => {
  const odd = await device(
    () => {},
    ({ messageV1 }, { reply }) => {
      if (messageV1?.getOverloadStatusCommand) reply({ resetResponse: {} })
    },
  )
  await withClient(
    odd.port,
    async (client) => {
      await expect(client.ping()).rejects.toMatchObject({
        type: 'timeout',
        message: `The device at ${host}:${odd.port} did not answer a ping within 0.03 s.`,
      })
      await expect(client.overload()).rejects.toMatchObject({
        type: 'device-failed',
        message: `The device at ${host}:${odd.port} answered getOverloadStatusCommand with resetResponse.`,
      })
    },
    { timeoutMs: 30 },
  )
  await odd.close()
})

test("a configuration that the device refuses is the configuration's fault", async () => {
  const server = await serveDevice({ computer: new SimulatedComputer({ description: lucidac }), port: 0 })
  await withClient(server.port, async (client) => {
    const elsewhere = client.configure(testConfiguration('AA-AA-AA-AA-AA-AA', oscillator(0.5)))
    await expect(elsewhere).rejects.toMatchObject({
      type: 'validation-failed',
      message: expect.stringContaining('selectConfig of "AA-AA-AA-AA-AA-AA/0/U": the device has no such entity.'),
    })
    const tooLarge = client.configure(
      testConfiguration(MAC, { routes: [{ from: 0, to: 0, coefficient: 1.5 }], outputs: [0] }),
    )
    await expect(tooLarge).rejects.toMatchObject({
      message: expect.stringContaining('/carriers/0/clusters/0/lanes/0/coefficient = 1.5'),
    })
    await expect(collected(client.run({ ...request, opTimeNs: 1, sampleRateHz: 1, id: '' }))).rejects.toMatchObject({
      type: 'validation-failed',
      violations: [{ pointer: '/opTimeNs' }, { pointer: '/sampleRateHz' }, { pointer: '/id' }],
    })
  })
  await server.close()
})

test('a slow consumer stalls the device, loses nothing, and holds a bounded part of the run', async () => {
  const chunks = 400
  const perChunk = 4_000
  const fast = await device((end) => {
    for (let chunk = 0; chunk < chunks; chunk++) end.push(samples(chunk, 'run-1', perChunk))
    end.push(state(DONE))
  })
  const queueBytesMax = 256 * 1024
  await withClient(
    fast.port,
    async (client) => {
      await client.configure(configuration)
      let next = 0
      const long = { ...request, opTimeNs: 9e9, sampleRateHz: 200_000 }
      for await (const event of client.run(long)) {
        if (event.kind === 'gap') throw new Error('a chunk was lost')
        if (event.kind !== 'samples') continue
        expect(event.chunk.firstIndex).toBe(next)
        next += event.chunk.count
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(next).toBe(chunks * perChunk)
      const { peakQueueBytes } = client.statistics()
      expect(peakQueueBytes).toBeGreaterThan(queueBytesMax)
      // One piece read from the socket may complete a few frames after the queue is full.
      expect(peakQueueBytes).toBeLessThan(queueBytesMax + 4 * perChunk * 8 + 65_536)
    },
    { queueBytesMax },
  )
  await fast.close()
})

test('a consumer that leaves stops the device, and the connection serves the next run', async () => {
  const commands: string[] = []
  const server = await serveDevice({
    computer: new SimulatedComputer({ description: lucidac, pace }),
    port: 0,
    onCommand: ({ command }) => commands.push(command),
  })
  await withClient(
    server.port,
    async (client) => {
      await client.configure(configuration)
      for await (const event of client.run({ ...request, opTimeNs: 9e9 })) if (event.kind === 'samples') break
      const events = await collected(client.run({ ...request, id: 'run-2' }))
      expect(events.at(-1)).toMatchObject({ phase: 'DONE', reason: '' })
      expect(commands.filter((command) => command === 'stopRunCommand')).toEqual(['stopRunCommand'])
      expect(client.statistics().foreignFrames).toBeGreaterThan(0)
    },
    { busyRetryMs: 5 },
  )
  await server.close()
})

test('an abort before the start ends the run without a word to the device', async () => {
  const commands: string[] = []
  const server = await serveDevice({
    computer: new SimulatedComputer({ description: lucidac, pace }),
    port: 0,
    onCommand: ({ command }) => commands.push(command),
  })
  await withClient(server.port, async (client) => {
    await client.configure(configuration)
    const events = await collected(client.run(request, AbortSignal.abort()))
    expect(events).toEqual([{ kind: 'phase', phase: 'DONE', timeNs: 0, reason: 'stopped before the start' }])
    expect(commands).toEqual(['extractCommand', 'configCommand'])
  })
  await server.close()
})

test('an abort while the device is busy ends the waiting', async () => {
  const abort = new AbortController()
  const busy = await scriptedDevice(({ messageV1 }, { reply }) => {
    if (messageV1?.extractCommand) reply({ extractResponse: { module: encodeDescription(lucidac) } })
    else if (messageV1?.configCommand) reply({ configResponse: {} })
    else {
      reply({ busyResponse: {} })
      abort.abort()
    }
  })
  await withClient(busy.port, async (client) => {
    await client.configure(configuration)
    expect((await collected(client.run(request, abort.signal))).map(({ kind }) => kind)).toEqual(['phase'])
  })
  await busy.close()
})

test('a device that does not stop when told to has failed', async () => {
  const stubborn = await device((end) => end.push(samples(0)))
  const abort = new AbortController()
  await withClient(
    stubborn.port,
    async (client) => {
      await client.configure(configuration)
      const run = async () => {
        for await (const event of client.run({ ...request, opTimeNs: 9e9 }, abort.signal))
          if (event.kind === 'samples') abort.abort()
      }
      await expect(run()).rejects.toMatchObject({
        type: 'device-failed',
        message: 'The device did not report the progress of run run-1 for 0.03 s.',
      })
    },
    { runGraceMs: 30 },
  )
  await stubborn.close()
})

test('one run at a time on one connection', async () => {
  const silent = await device(() => {})
  await withClient(silent.port, async (client) => {
    await client.configure(configuration)
    const first = client.run(request)[Symbol.asyncIterator]()
    const pending = first.next()
    await expect(collected(client.run({ ...request, id: 'run-2' }))).rejects.toMatchObject({
      type: 'state-conflict',
      message: 'This connection is still driving a run.',
    })
    await client.close()
    await expect(pending).rejects.toMatchObject({ type: 'device-failed' })
  })
  await silent.close()
})

test('a device of several carriers gives one chunk of all probes and one vector of final values', async () => {
  const [first, second] = redac.carriers.map(({ id }) => id)
  const chunk: SampleChunk = {
    firstIndex: 0,
    count: 2,
    encoding: 'i16',
    blocks: [new Int16Array([1, 2]), new Int16Array([3, 4])].map(({ buffer }) => new Uint8Array(buffer)),
  }
  const values = Float32Array.from({ length: 96 }, (_, index) => index)
  const events: RunEvent[] = [
    { kind: 'phase', phase: 'OP', timeNs: 5, reason: '' },
    { kind: 'samples', chunk },
    { kind: 'gap', fromChunk: 1, toChunk: 3 },
    { kind: 'samples', chunk: { ...chunk, firstIndex: 6 } },
    { kind: 'final', values },
    { kind: 'phase', phase: 'DONE', timeNs: 7, reason: '' },
  ]
  const computer = {
    describe: async () => redac,
    reset: async () => {},
    configure: async () => {},
    async *run() {
      yield* events
    },
    overload: async () => ({ overloaded: true, outputs: [47, 48] }),
    close: async () => {},
  }
  const server = await serveDevice({ computer, port: 0 })
  await withClient(server.port, async (client) => {
    const adc = (probeIndex: number) => [{ output: 40, gain: 1, offset: 0, probe: probeIndex }]
    await client.configure({
      carriers: [
        { carrier: second ?? '', clusters: [], adc: adc(0) },
        { carrier: first ?? '', clusters: [], adc: adc(1) },
      ],
      probes: [],
      problemTimePerSecond: 0,
    })
    expect(await collected(client.run({ ...request, opTimeNs: 800_000, finalValues: true }))).toEqual(events)
    expect(await client.overload()).toEqual({ overloaded: true, outputs: [47, 48] })
  })
  await server.close()
})

test('an oscillator over two carriers computes behind the wire what it computes without', async () => {
  const description = redacDescription(['04-E9-E5-00-00-01', '04-E9-E5-00-00-02'])
  // Each half hands its integrator to the other on lane 8.
  const half = (position: number, cluster: number, ic: number): CarrierConfiguration => ({
    carrier: portableCarrier(position),
    clusters: [
      {
        index: cluster,
        constant: null,
        lanes: [{ lane: 8, source: 0, coefficient: position === 0 ? 1 : -1, upscaled: false, sinks: [0] }],
        slots: [{ kind: 'MINT', integrators: [{ element: 0, ic, k0: 10_000, limiter: false }] }, null],
      },
    ],
    adc: [{ output: cluster * 16, gain: 1, offset: 0, probe: position }],
    hops: [
      { lane: 8, from: cluster, to: 'backplane' },
      { lane: 8, from: 'backplane', to: cluster },
    ],
  })
  const crossings = [
    { lane: 8, from: 1, to: 0 },
    { lane: 8, from: 0, to: 1 },
  ]
  const spread = {
    carriers: [{ ...half(0, 2, -0.5), backplane: crossings }, half(1, 0, 0)],
    probes: ['x', 'y'].map((label) => ({ label, unit: '' })),
    problemTimePerSecond: 0,
  }
  const wanted = { ...request, opTimeNs: 200_000, sampleRateHz: 100_000, finalValues: true }
  const direct = new SimulatedComputer({ description, pace })
  await direct.configure(spread)
  const server = await serveDevice({ computer: new SimulatedComputer({ description, pace }), port: 0 })
  await withClient(server.port, async (client) => {
    await client.configure(spread)
    const events = await collected(client.run(wanted))
    const final = events.flatMap((event) => (event.kind === 'final' ? [event.values] : []))[0]
    // Two time units later: x = 0.5 cos 2 on carrier 0, cluster 2, and y = 0.5 sin 2 on carrier 1, cluster 0.
    expect(final).toHaveLength(96)
    expect(final?.[2 * 16]).toBeCloseTo(0.5 * Math.cos(2), 5)
    expect(Math.abs(final?.[3 * 16] ?? NaN)).toBeCloseTo(0.5 * Math.sin(2), 5)
    expect(events).toEqual(await collected(direct.run(wanted)))
  })
  await server.close()
})
