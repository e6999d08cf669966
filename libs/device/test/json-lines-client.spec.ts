/** The JSON-lines client against devices that know nothing but the published lines, and against some that misbehave. */
import { redacDescription, type RunEvent, type RunRequest } from '@lucihub/analog'
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import {
  connectJsonLines,
  FIRMWARE_1,
  refusalBehind,
  serveJsonLines,
  type JsonLinesClient,
  type JsonLinesOptions,
} from '../src/index.ts'
import { encodeEntities } from '../src/json-lines/entities.ts'
import { lucidac, MAC } from './descriptions.ts'
import { scriptedLines } from './line-peer.ts'

const host = '127.0.0.1'
const RUN = '7f1c0d6e-9a39-4c6f-8a4e-0d1f5d8c2b11'
const request: RunRequest = {
  id: RUN,
  icTimeNs: 123_456,
  opTimeNs: 1_000_000,
  sampleRateHz: 10_000,
  haltOnOverload: true,
  finalValues: true,
}
const configuration = testConfiguration(MAC, oscillator(0.8))
const entities = encodeEntities(lucidac, FIRMWARE_1)

type Say = (text: string) => void
interface Request {
  readonly id: string
  readonly type: string
}

/** Answers all that precedes a run as a LUCIDAC does; `onStart` and everything else is up to the test. */
const device = (
  onStart: (say: Say, request: Request) => void,
  other: (request: Request, say: Say) => void = () => {},
) =>
  scriptedLines((asked, say) => {
    const { id, type } = asked
    const reply = (msg: object) => say(JSON.stringify({ id, type, msg, code: 0 }))
    if (type === 'get_entities') reply(entities)
    else if (type === 'reset_circuit' || type === 'set_circuit') reply({})
    else if (type === 'start_run') onStart(say, asked)
    else other(asked, say)
  })

async function withClient(
  port: number,
  use: (client: JsonLinesClient) => Promise<void>,
  options: Partial<JsonLinesOptions> = {},
): Promise<void> {
  const client = await connectJsonLines({ host, port, ...options })
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

const rows = (data: string, id = RUN) =>
  `{"type":"run_data","msg":{"id":"${id}","entity":["${MAC}","0"],"data":${data}}}`
const state = (to: string, t = 0, id = RUN) =>
  `{"type":"run_state_change","msg":{"id":"${id}","t":${t},"old":"NEW","new":"${to}"}}`
const phase = (name: string, timeNs: number, reason = '') => ({ kind: 'phase', phase: name, timeNs, reason })

test('a run is asked for and heard as published: a reply without id, chunks, one change of state', async () => {
  const old = await device((say) => {
    say('{"type":"start_run","msg":{},"code":0}')
    say(rows('[[ 0.800,-0.100],[ 0.799,-0.200]]'))
    say(rows('[[ 0.500,-0.300]]', 'another'))
    say(rows('[[ 0.798,-0.300]]'))
    say(rows(`[[${Array.from({ length: 16 }, (_, index) => ` ${index}.000`).join(',')}]]`))
    say(state('DONE', 987_654))
  })
  await withClient(old.port, async (client) => {
    await client.configure(configuration)
    const events = await collected(client.run(request))
    expect(events.map((event) => (event.kind === 'samples' ? event.chunk.firstIndex : event))).toEqual([
      phase('TAKE_OFF', 0),
      phase('IC', 0),
      phase('OP', 123_456),
      0,
      2,
      phase('OP_END', 123_456 + 987_654),
      { kind: 'final', values: Float32Array.from({ length: 16 }, (_, index) => index) },
      phase('DONE', 123_456 + 987_654),
    ])
    const chunk = events.flatMap((event) => (event.kind === 'samples' ? [event.chunk] : []))[0]
    expect(chunk?.blocks.map((block) => [...new Float32Array(block.slice().buffer)])).toEqual([
      [0.8, 0.799].map(Math.fround),
      [-0.1, -0.2].map(Math.fround),
    ])
    expect(client.statistics().foreignFrames).toBe(1)
  })
  const [, set = '', start = ''] = old.lines
  expect(JSON.parse(set)).toMatchObject({
    type: 'set_circuit',
    msg: { entity: [MAC], reset_before: true, sh_kludge: true },
  })
  expect(JSON.parse(start)).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    type: 'start_run',
    msg: {
      id: RUN,
      session: null,
      config: {
        ic_time: 123_456,
        op_time: 1_000_000,
        halt_on_overload: true,
        streaming: true,
        repetitive: false,
        write_run_state_changes: true,
        calibrate: false,
        unlimited_op_time: false,
      },
      daq_config: { num_channels: 2, sample_rate: 10_000, sample_op: true, sample_op_end: true },
      clear_queue: false,
      end_repetitive: false,
    },
  })
  await old.close()
})

test('a device is spoken to by the address that it calls itself', async () => {
  const emulated = await scriptedLines(({ id, type }, say) =>
    say(
      JSON.stringify({
        id,
        type,
        code: 0,
        msg: type === 'get_entities' ? { entities: { '70-79-74-68-6f-6e': { '/0': { class: 1 }, class: 0 } } } : null,
      }),
    ),
  )
  await withClient(emulated.port, async (client) => {
    await client.configure(testConfiguration('00-00-00-00-00-00', oscillator(0.5)))
    expect(JSON.parse(emulated.lines[1] ?? '').msg.entity).toEqual(['70-79-74-68-6f-6e'])
  })
  await emulated.close()
})

test('channels are asked for in powers of two, and what is too many in a row is left out', async () => {
  const four = await device((say) => {
    say('{"type":"start_run","msg":{},"code":0}')
    say(rows('[[0.1,0.2,0.3,0.0]]'))
    say(state('DONE'))
  })
  await withClient(four.port, async (client) => {
    await client.configure(testConfiguration(MAC, { routes: [], outputs: [0, 1, 2] }))
    const events = await collected(client.run(request))
    const chunk = events.flatMap((event) => (event.kind === 'samples' ? [event.chunk] : []))[0]
    expect(chunk?.blocks).toHaveLength(3)
    expect(JSON.parse(four.lines.at(-1) ?? '').msg.daq_config.num_channels).toBe(4)
  })
  await four.close()
})

test('what this generation cannot do is refused before the device is asked', async () => {
  const silent = await device(() => {})
  await withClient(silent.port, async (client) => {
    await client.configure(testConfiguration(MAC, { routes: [], outputs: [0, 1, 2] }))
    const asked = silent.lines.length
    await expect(collected(client.run({ ...request, sampleRateHz: 300_000 }))).rejects.toMatchObject({
      type: 'validation-failed',
      violations: [
        { value: '300000', message: 'is no divisor of 1000000', remedy: 'use 250000' },
        { value: '300000', message: 'is too fast for 4 channels', remedy: 'use at most 250000' },
      ],
    })
    const limited = testConfiguration(MAC, { routes: [], integrators: [{ element: 0, limiter: true }], outputs: [0] })
    await expect(client.configure(limited)).rejects.toMatchObject({
      type: 'validation-failed',
      message: 'The JSON-lines generation cannot say this configuration.',
    })
    expect(silent.lines).toHaveLength(asked)
  })
  await silent.close()
})

test.each<[string, string, object]>([
  ['DONE after nothing', state('DONE'), [phase('OP', 123_456), phase('OP_END', 123_456), phase('DONE', 123_456)]],
  ['ERROR', state('ERROR', 500), [phase('ERROR', 123_956)]],
])('%s ends a run', async (_name, line, expected) => {
  const ending = await device((say) => {
    say('{"type":"start_run","msg":{},"code":0}')
    say(line)
  })
  await withClient(ending.port, async (client) => {
    await client.configure(configuration)
    expect((await collected(client.run(request))).slice(2)).toEqual(expected)
  })
  await ending.close()
})

test('phases that the device tells are not told twice', async () => {
  const talkative = await device((say) => {
    say(state('TAKE_OFF'))
    say('{"type":"start_run","msg":{},"code":0}')
    for (const to of ['IC', 'OP']) say(state(to))
    say(rows('[[0,0]]'))
    for (const to of ['OP_END', 'DONE']) say(state(to, 1_000_000))
  })
  await withClient(talkative.port, async (client) => {
    await client.configure(configuration)
    const events = await collected(client.run(request))
    expect(events.map((event) => (event.kind === 'phase' ? event.phase : event.kind))).toEqual([
      'TAKE_OFF',
      'IC',
      'OP',
      'samples',
      'OP_END',
      'DONE',
    ])
  })
  await talkative.close()
})

test.each<[string, string, string]>([
  [
    'fewer samples than channels',
    rows('[[0.1]]'),
    'reported run RUN wrongly: a row of 1 samples where 2 channels are configured.',
  ],
  [
    'final values of no cluster',
    rows(`[[${Array.from({ length: 16 }, () => '0').join(',')}]]`).replace('"0"]', '"5"]'),
    'reported run RUN wrongly: final values of a cluster "5" that it does not have.',
  ],
  ['samples that are none', rows('[[0.1,banana]]'), 'was lost: A run_data line is not well formed.'],
  [
    'nothing but garbage',
    Array.from({ length: 64 }, () => 'banana').join('\n'),
    'was lost: 64 of its lines mean nothing.',
  ],
])('a device that reports %s has failed', async (_name, line, message) => {
  const wrong = await device((say) => {
    say('{"type":"start_run","msg":{},"code":0}')
    say(line)
  })
  await withClient(wrong.port, async (client) => {
    await client.configure(configuration)
    await expect(collected(client.run(request))).rejects.toMatchObject({
      type: 'device-failed',
      message: expect.stringContaining(message.replace('RUN', RUN)),
    })
  })
  await wrong.close()
})

test('some garbage between the lines costs nothing', async () => {
  const noisy = await device((say) => {
    say('Booting...\r\n\r\n{"not":"for us"}')
    say('{"type":"start_run","msg":{},"code":0}')
    say('\u0000\u00ff{')
    say(rows('[[0.1,0.2]]'))
    say(state('DONE', 1_000_000))
  })
  await withClient(noisy.port, async (client) => {
    await client.configure(configuration)
    expect((await collected(client.run(request))).at(-1)).toMatchObject({ phase: 'DONE' })
  })
  await noisy.close()
})

test('a device that falls silent in a run has failed', async () => {
  const silent = await device((say) => say('{"type":"start_run","msg":{},"code":0}'))
  await withClient(
    silent.port,
    async (client) => {
      await client.configure(configuration)
      await expect(collected(client.run({ ...request, icTimeNs: 1e6, opTimeNs: 19e6 }))).rejects.toMatchObject({
        type: 'device-failed',
        message: `The device did not report the progress of run ${RUN} for 0.05 s.`,
      })
    },
    { runGraceMs: 30 },
  )
  await silent.close()
})

test('a refusal is a Problem with the code behind it', async () => {
  const refusing = await device(
    () => {},
    ({ id, type }, say) => {
      if (type === 'overload_status') say(`{"id":"${id}","type":"${type}","code":-20,"error":"Not authorized"}`)
      if (type === 'one_shot_daq') say(`{"code":-10,"error":"Unknown type"}`)
      if (type === 'manual_mode') say(`{"id":"${id}","success":false,"error":"no"}`)
    },
  )
  await withClient(refusing.port, async (client) => {
    const caught = async (work: Promise<unknown>) => work.then(null, (problem) => problem)
    const unauthorized = await caught(client.overload())
    expect(unauthorized).toMatchObject({
      type: 'forbidden',
      message: `The device at ${host}:${refusing.port} refused overload_status: Not authorized (code -20)`,
    })
    expect(refusalBehind(unauthorized)).toEqual({
      request: 'overload_status',
      code: -20,
      internalCode: -20,
      error: 'Not authorized',
    })
    expect(await caught(client.sampleOnce())).toMatchObject({ type: 'device-failed' })
    expect(await caught(client.setMode('op'))).toMatchObject({ message: expect.stringContaining('manual_mode: no') })
  })
  await refusing.close()
})

test('a configuration and a run that the device refuses are validation failures', async () => {
  const server = await serveJsonLines({ computer: new SimulatedComputer({ description: lucidac }), port: 0 })
  await withClient(server.port, async (client) => {
    const refused = client.configure(testConfiguration('AA-AA-AA-AA-AA-AA', oscillator(0.5)))
    await expect(refused).rejects.toMatchObject({
      type: 'validation-failed',
      message: `The device at ${host}:${server.port} refused set_circuit: Requested entity AA-AA-AA-AA-AA-AA but I am ${MAC} (code 403)`,
    })
  })
  await server.close()
})

test('a command that is not answered is a Problem, and a lost device is one for every command', async () => {
  const mute = await device(() => {})
  await withClient(
    mute.port,
    async (client) => {
      await expect(client.ping()).rejects.toMatchObject({
        type: 'timeout',
        message: `The device at ${host}:${mute.port} did not answer ping within 0.05 s.`,
      })
      await mute.close()
      await expect(client.ping()).rejects.toMatchObject({ type: 'device-failed' })
    },
    { timeoutMs: 50 },
  )
})

test('a login opens what needs one, is not needed where nobody asks, and fails with a wrong password', async () => {
  const computer = () => new SimulatedComputer({ description: lucidac })
  const open = await serveJsonLines({ computer: computer(), port: 0 })
  await withClient(open.port, async (client) => expect(await client.describe()).toBeDefined(), {
    user: 'a',
    password: 'b',
  })
  await open.close()
  const closed = await serveJsonLines({
    computer: computer(),
    port: 0,
    users: [{ user: 'lab', password: 'secret', level: 'login' }],
  })
  const lab = { user: 'lab', password: 'secret' }
  await withClient(closed.port, async (client) => expect(await client.describe()).toBeDefined(), lab)
  await expect(connectJsonLines({ host, port: closed.port, ...lab, password: 'x' })).rejects.toMatchObject({
    type: 'unauthenticated',
    message: `The device at ${host}:${closed.port} refused login: Invalid username or password. (code 3102)`,
  })
  await closed.close()
})

test('by hand: a mode, and one look at the channels', async () => {
  const server = await serveJsonLines({ computer: new SimulatedComputer({ description: lucidac }), port: 0 })
  await withClient(server.port, async (client) => {
    await client.configure(configuration)
    await client.setMode('ic')
    const [x, y, ...others] = await client.sampleOnce()
    expect(x).toBeCloseTo(0.8, 2)
    expect(y).toBeCloseTo(0, 2)
    expect(others).toEqual([])
    expect(await client.firmware()).toBe('device=virtual')
  })
  await server.close()
})

test('a slow consumer stalls the device, loses nothing, and holds a bounded part of the run', async () => {
  const lines = 400
  const block = `[${Array.from({ length: 2_000 }, () => '[ 0.100,-0.200]').join(',')}]`
  const fast = await device((say) => {
    say('{"type":"start_run","msg":{},"code":0}')
    for (let line = 0; line < lines; line++) say(rows(block))
    say(state('DONE', 1_000_000))
  })
  const queueBytesMax = 256 * 1024
  await withClient(
    fast.port,
    async (client) => {
      await client.configure(configuration)
      let next = 0
      for await (const event of client.run(request)) {
        if (event.kind !== 'samples') continue
        expect(event.chunk.firstIndex).toBe(next)
        next += event.chunk.count
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(next).toBe(lines * 2_000)
      const { peakQueueBytes } = client.statistics()
      expect(peakQueueBytes).toBeGreaterThan(queueBytesMax)
      expect(peakQueueBytes).toBeLessThan(queueBytesMax + 4 * 65_536)
    },
    { queueBytesMax },
  )
  await fast.close()
})

test('a consumer that leaves stops the device, and the connection serves the next run', async () => {
  const commands: string[] = []
  const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
  const server = await serveJsonLines({
    computer: new SimulatedComputer({ description: lucidac, pace }),
    port: 0,
    onCommand: ({ command }) => commands.push(command),
  })
  await withClient(server.port, async (client) => {
    await client.configure(configuration)
    for await (const event of client.run({ ...request, opTimeNs: 9e9 })) if (event.kind === 'samples') break
    const events = await collected(client.run({ ...request, id: 'run-2' }))
    expect(events.at(-1)).toMatchObject({ phase: 'DONE', reason: '' })
    const before = await collected(client.run(request, AbortSignal.abort()))
    expect(before).toEqual([phase('DONE', 0, 'stopped before the start')])
    expect(commands).toEqual(['get_entities', 'set_circuit', 'start_run', 'stop_run', 'start_run'])
  })
  await server.close()
})

test('a takeover stops the run that another client has left behind', async () => {
  const pace = {
    wait: (untilNs: number) => new Promise<void>((resolve) => setTimeout(resolve, untilNs > 1e6 ? 20 : 0)),
  }
  const server = await serveJsonLines({ computer: new SimulatedComputer({ description: lucidac, pace }), port: 0 })
  await withClient(server.port, async (client) => {
    await client.configure(configuration)
    for await (const event of client.run({ ...request, opTimeNs: 9e9, haltOnOverload: false })) {
      if (event.kind !== 'samples') continue
      await withClient(server.port, (other) => other.reset(), { timeoutMs: 2_000 })
    }
    expect(await client.overload()).toEqual({ overloaded: false, outputs: [] })
  })
  await server.close()
})

test('only one carrier is sampled', async () => {
  const description = redacDescription(['04-E9-E5-00-00-01', '04-E9-E5-00-00-02'])
  const several = await scriptedLines(({ id, type }, say) =>
    say(JSON.stringify({ id, type, code: 0, msg: encodeEntities(description, FIRMWARE_1) })),
  )
  await withClient(several.port, async (client) => {
    const adc = (probe: number) => [{ output: 0, gain: 1, offset: 0, probe }]
    const carriers = description.carriers.map(({ id }, index) => ({ carrier: id, clusters: [], adc: adc(index) }))
    await expect(client.configure({ carriers, probes: [], problemTimePerSecond: 0 })).rejects.toMatchObject({
      type: 'validation-failed',
      message: 'A device of the JSON-lines generation samples one carrier.',
    })
  })
  await several.close()
})
