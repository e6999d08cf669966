/** The JSON-lines server against clients that know nothing but the published lines. */
import { SimulatedComputer, fastPace } from '@lucihub/simulation'
import { oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import { writeCircuitJson, EMULATOR, FIRMWARE_1, serveJsonLines, type ServeLinesOptions } from '../src/index.ts'
import { lucidac, MAC } from './descriptions.ts'
import { rawLines, type RawLines } from './line-peer.ts'

const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
const RUN = '7f1c0d6e-9a39-4c6f-8a4e-0d1f5d8c2b11'
const circuit = writeCircuitJson(testConfiguration(MAC, oscillator(0.8)))[MAC]

/** As published, with a shorter IC and OP. */
const START =
  `{"id":"s","type":"start_run","msg":{"id":"${RUN}","session":null,"config":{"ic_time":123456,"op_time":1000000,"halt_on_overload":true,
 "streaming":true,"repetitive":false,"write_run_state_changes":true,"calibrate":false,"unlimited_op_time":false},
 "daq_config":{"num_channels":2,"sample_rate":10000,"sample_op":true,"sample_op_end":true},"clear_queue":false,"end_repetitive":false}}`.replaceAll(
    '\n',
    '',
  )

async function withServer(
  use: (open: () => Promise<RawLines>) => Promise<void>,
  options: Partial<ServeLinesOptions> = {},
): Promise<void> {
  const computer = new SimulatedComputer({ description: lucidac, pace })
  const server = await serveJsonLines({ computer, port: 0, clockUs: () => 77, ...options })
  const clients: RawLines[] = []
  const open = async (): Promise<RawLines> => {
    const client = await rawLines(server.port)
    clients.push(client)
    return client
  }
  try {
    await use(open)
  } finally {
    for (const { socket } of clients) socket.destroy()
    await server.close()
  }
}

/** The answer to a request. */
async function ask(client: RawLines, type: string, msg: object = {}): Promise<Record<string, unknown>> {
  client.send(`${JSON.stringify({ id: type, type, msg })}\n`)
  return JSON.parse(await client.next((line) => line.includes(`"type":"${type}"`))) as Record<string, unknown>
}

const setCircuit = (client: RawLines, more: object = {}) =>
  ask(client, 'set_circuit', { entity: [MAC], config: circuit, reset_before: true, sh_kludge: true, ...more })

test('a ping is answered under its id, with the device clock', () =>
  withServer(async (open) => {
    const client = await open()
    client.send('{"id":"f0e2","type":"ping","msg":{}}\n')
    expect(await client.next()).toBe('{"id":"f0e2","type":"ping","msg":{"micros":77},"code":0}')
  }))

test('a request may be typed by hand: single quotes, no id, no message', () =>
  withServer(async (open) => {
    const client = await open()
    client.send("{'type':'ping'}\r\n\n")
    expect(await client.next()).toBe('{"type":"ping","msg":{"micros":77},"code":0}')
  }))

test('what cannot be understood is answered, and the next request is too', () =>
  withServer(async (open) => {
    const client = await open()
    client.send('banana\n[1,2]\n{"id":"x","type":"fly","msg":{}}\n{"id":"p","type":"ping","msg":{}}\n')
    expect(await client.next()).toBe('{"code":-10,"error":"This line is no JSON object."}')
    expect(await client.next()).toBe('{"code":-10,"error":"This line is no JSON object."}')
    expect(await client.next()).toBe('{"id":"x","type":"fly","code":-10,"error":"Unknown message type fly."}')
    expect(await client.next()).toContain('"micros"')
  }))

test('a line that is too long ends the connection, and no other one', async () => {
  const problems: string[] = []
  await withServer(
    async (open) => {
      const [client, other] = [await open(), await open()]
      client.send('x'.repeat(300 * 1024))
      await client.closed
      expect((await ask(other, 'ping'))['code']).toBe(0)
      expect(problems).toEqual(['A line is longer than 262144 bytes.'])
    },
    { onProblem: ({ message }) => problems.push(message) },
  )
})

test('a run is told to everybody: rows with three decimals, final values, the last state', () =>
  withServer(async (open) => {
    const [client, onlooker] = [await open(), await open()]
    expect(await setCircuit(client)).toEqual({ id: 'set_circuit', type: 'set_circuit', msg: {}, code: 0 })
    expect((await ask(onlooker, 'ping'))['code']).toBe(0)
    client.send(`${START}\n`)
    expect(await client.next()).toBe('{"id":"s","type":"start_run","msg":{},"code":0}')
    for (const reader of [client, onlooker]) {
      const rows = Array.from({ length: 10 }, (_, k) => [0.8 * Math.cos(k), -0.8 * Math.sin(k)])
      const text = rows.map((row) => `[${row.map((value) => `${value < 0 ? '' : ' '}${value.toFixed(3)}`).join(',')}]`)
      expect(await reader.next()).toBe(
        `{"type":"run_data","msg":{"id":"${RUN}","entity":["${MAC}","0"],"data":[${text.join(',').replace('-0.000', ' 0.000')}]}}`,
      )
      expect(await reader.next()).toMatch(
        new RegExp(
          `^{"type":"run_data","msg":{"id":"${RUN}","entity":\\["${MAC}","0"\\],"data":\\[\\[-0.671, 0.435(,[ -]0.000){14}\\]\\]}}$`,
        ),
      )
      expect(await reader.next()).toBe(
        `{"type":"run_state_change","msg":{"id":"${RUN}","t":1000000,"old":"NEW","new":"DONE"}}`,
      )
    }
  }))

test('it can word things as the emulator does', () =>
  withServer(
    async (open) => {
      const client = await open()
      expect(await setCircuit(client)).toEqual({ id: 'set_circuit', type: 'set_circuit', msg: null, code: 0 })
      client.send(`${START}\n`)
      expect(await client.next()).toBe('{"type":"start_run","msg":null,"code":0}')
    },
    { quirks: EMULATOR },
  ))

test('it can tell every phase', () =>
  withServer(
    async (open) => {
      const client = await open()
      await setCircuit(client)
      client.send(`${START}\n`)
      const changes: string[] = []
      while (changes.at(-1) !== 'OP_END>DONE') {
        const { msg } = JSON.parse(await client.next((line) => line.includes('run_state_change')))
        changes.push(`${msg.old}>${msg.new}`)
      }
      expect(changes).toEqual(['NEW>TAKE_OFF', 'TAKE_OFF>IC', 'IC>OP', 'OP>OP_END', 'OP_END>DONE'])
    },
    { quirks: { ...FIRMWARE_1, phases: 'all' } },
  ))

test('runs queue up, and one that another client stops ends early', () =>
  withServer(async (open) => {
    const [client, other] = [await open(), await open()]
    await setCircuit(client)
    client.send(`${START.replace('"op_time":1000000', '"op_time_ms":9000')}\n${START.replace(RUN, 'second')}\n`)
    await client.next((line) => line.includes('run_data'))
    client.send('{"id":"q","type":"manual_mode","msg":{"to":"ic"}}\n')
    expect(await client.next((line) => line.includes('manual_mode'))).toBe(
      '{"id":"q","type":"manual_mode","code":901,"error":"Runs are waiting or in progress."}',
    )
    expect((await ask(other, 'stop_run'))['code']).toBe(0)
    const { msg } = JSON.parse(await client.next((line) => line.includes('run_state_change')))
    expect(msg).toMatchObject({ id: RUN, new: 'DONE', reason: 'stopped' })
    expect(msg.t).toBeLessThan(9e9)
    expect((await ask(other, 'sys_stats'))['msg']).toMatchObject({ total_number_of_runs: 1 })
  }))

test('a circuit is set and read part by part', () =>
  withServer(async (open) => {
    const client = await open()
    await setCircuit(client)
    const block = { elements: [{ ic: -0.4, k: 10_000 }] }
    const part = { entity: [MAC, '0', 'M0'], config: block, reset_before: false }
    expect((await ask(client, 'set_circuit', part))['code']).toBe(0)
    const read = await ask(client, 'get_circuit', { entity: [MAC, '0', 'M0'] })
    expect(read['msg']).toEqual({ entity: [MAC, '0', 'M0'], config: block })
    const whole = (await ask(client, 'get_circuit')) as { msg: { config: Record<string, unknown> } }
    expect(Object.keys(whole.msg.config)).toEqual(['/0', 'adc_channels'])
    const flat = await ask(client, 'get_circuit', { entity: [MAC], recursive: false })
    expect((flat['msg'] as { config: object }).config).toEqual({
      adc_channels: [0, 1, null, null, null, null, null, null],
    })
    expect((await ask(client, 'one_shot_daq'))['msg']).toEqual({ data: [0.4, 0, 0, 0, 0, 0, 0, 0] })
    expect((await ask(client, 'one_shot_daq', { channel: 0 }))['msg']).toEqual({ data: 0.4 })
    await ask(client, 'reset_circuit', { circuit_reset: false })
    expect((await ask(client, 'one_shot_daq', { channel: 0 }))['msg']).toEqual({ data: 0.4 })
    await ask(client, 'reset_circuit')
    expect((await ask(client, 'get_circuit'))['msg']).toEqual({ entity: [MAC], config: {} })
  }))

test('by hand it computes until it is halted, and then holds', () =>
  withServer(async (open) => {
    const client = await open()
    await setCircuit(client)
    for (const to of ['ic', 'op', 'halt']) expect((await ask(client, 'manual_mode', { to }))['code']).toBe(0)
    const first = await ask(client, 'one_shot_daq')
    expect(await ask(client, 'one_shot_daq')).toEqual(first)
    const [x = 0, y = 0] = (first['msg'] as { data: number[] }).data
    expect(Math.hypot(x, y)).toBeCloseTo(0.8, 2)
  }))

test.each<[string, string, object, number, string]>([
  ['set_circuit', 'no entity', { config: {} }, 401, 'A circuit is set by "entity", a list, and "config", an object.'],
  ['set_circuit', 'another device', { entity: ['AA'], config: {} }, 403, `Requested entity AA but I am ${MAC}`],
  ['set_circuit', 'no such part', { entity: [MAC, '7'], config: {} }, 404, `There is no ["${MAC}","7"].`],
  [
    'set_circuit',
    'an unknown key',
    { entity: [MAC], config: { wings: 2 } },
    932,
    '/wings = 2: There is no field "wings" here.',
  ],
  [
    'set_circuit',
    'a coefficient out of range',
    { entity: [MAC, '0', 'C'], config: { elements: [1.5] } },
    401,
    '/~10/~1C/elements/0 = 1.5: A coefficient is a number from -1 to 1.',
  ],
  ['get_circuit', 'another device', { entity: ['AA'] }, 501, `Requested entity AA but I am ${MAC}`],
  ['get_circuit', 'no such part', { entity: [MAC, '0', 'M7'] }, 502, 'Cannot resolve entity path'],
  ['get_circuit', 'a path that is no list', { entity: MAC }, 503, 'Entity path is not a list'],
  ['start_run', 'no id', {}, 701, 'A run has an id.'],
  ['start_run', 'no times', { id: 'r' }, 702, 'ic_time is undefined; it must be 100 to 9000000000 ns.'],
  ['start_run', 'repetition', { id: 'r', config: { repetitive: true } }, 702, 'Repetitive runs are not supported.'],
  [
    'start_run',
    'three channels',
    { id: 'r', daq_config: { num_channels: 3 } },
    702,
    'num_channels is 3; it must be 1, 2, 4 or 8.',
  ],
  [
    'start_run',
    'an odd rate',
    { id: 'r', daq_config: { num_channels: 1, sample_rate: 300 } },
    702,
    'sample_rate is 300; it must be a divisor of 1000000, at least 32.',
  ],
  [
    'start_run',
    'too many samples',
    { id: 'r', daq_config: { num_channels: 4, sample_rate: 500_000 } },
    702,
    '4 channels at 500000 Hz are more than 1000000 samples per second.',
  ],
  ['manual_mode', 'an illegal target', { to: 'fly' }, 910, 'There is no mode fly.'],
  ['one_shot_daq', 'an illegal channel', { channel: 8 }, 801, 'There is no channel 8.'],
  ['login', 'without users', { user: 'a', password: 'b' }, 3110, 'No authentication is necessary here.'],
  ['sys_reboot', 'on a virtual device', {}, 3501, 'There is nothing to reboot on a virtual device.'],
])('%s with %s is refused', (type, _what, msg, code, error) =>
  withServer(async (open) => {
    expect(await ask(await open(), type, msg)).toEqual({ id: type, type, code, error })
  }),
)

test('who may do what follows from the login', () =>
  withServer(
    async (open) => {
      const client = await open()
      const refused = { code: -20, error: 'set_circuit needs the level login.' }
      expect(await setCircuit(client)).toMatchObject(refused)
      expect((await ask(client, 'ping'))['code']).toBe(0)
      expect(await ask(client, 'login', { user: 'lab', password: 'guess' })).toMatchObject({
        code: 3102,
        error: 'Invalid username or password.',
      })
      expect((await ask(client, 'login', { user: 'lab', password: 'secret' }))['code']).toBe(0)
      expect((await setCircuit(client))['code']).toBe(0)
      expect(await ask(client, 'net_get')).toMatchObject({ code: -20, error: 'net_get needs the level admin.' })
      expect((await ask(client, 'login', { user: 'root', password: 'r' }))['code']).toBe(0)
      expect((await ask(client, 'net_get'))['code']).toBe(0)
      expect((await ask(client, 'login', { user: 'lab', password: 'secret' }))['code']).toBe(3101)
      // Every connection logs in for itself.
      expect(await setCircuit(await open())).toMatchObject(refused)
    },
    {
      users: [
        { user: 'lab', password: 'secret', level: 'login' },
        { user: 'root', password: 'r', level: 'admin' },
      ],
    },
  ))

test('the lock is one client at a time, and binds nobody', () =>
  withServer(async (open) => {
    const [client, other] = [await open(), await open()]
    expect((await ask(client, 'lock_acquire'))['code']).toBe(0)
    expect(await ask(other, 'lock_acquire')).toMatchObject({ code: 3201, error: 'Another client holds the lock.' })
    expect((await ask(other, 'lock_release'))['code']).toBe(3301)
    expect((await setCircuit(other))['code']).toBe(0)
    expect((await ask(client, 'lock_release'))['code']).toBe(0)
    expect((await ask(other, 'lock_acquire'))['code']).toBe(0)
  }))

test('an overload is told by cluster and block, and reset with the circuit', () =>
  withServer(async (open) => {
    const client = await open()
    const ramp = { constant: 1, routes: [{ from: 15, to: 0, coefficient: 1 }], outputs: [0] } as const
    await setCircuit(client, { config: writeCircuitJson(testConfiguration(MAC, ramp))[MAC] })
    client.send(`${START}\n`)
    const { msg } = JSON.parse(await client.next((line) => line.includes('run_state_change')))
    expect(msg).toMatchObject({ new: 'DONE', reason: 'overload' })
    expect(msg.t).toBeLessThan(200_000)
    const flags = (first: boolean) => [first, ...Array.from({ length: 7 }, () => false)]
    expect((await ask(client, 'overload_status'))['msg']).toEqual({
      global_overload: true,
      entity_overload: { '/0': { '/M0': flags(true), '/M1': flags(false) } },
    })
    await ask(client, 'reset_circuit', { circuit_reset: false })
    expect((await ask(client, 'overload_status'))['msg']).toMatchObject({ global_overload: false })
  }))

test('a client that leaves the run of another unread is left behind, and the run goes on', async () => {
  const problems: string[] = []
  await withServer(
    async (open) => {
      const [client, deaf] = [await open(), await open()]
      expect((await ask(deaf, 'ping'))['code']).toBe(0)
      deaf.socket.pause()
      await setCircuit(client)
      const long = START.replace('"op_time":1000000', '"op_time_ms":1200').replace(
        '"sample_rate":10000',
        '"sample_rate":500000',
      )
      client.send(`${long}\n`)
      const last = await client.next((line) => line.includes('run_state_change'))
      expect(last).toContain('"t":1200000000')
      expect(problems).toEqual(['It left more than 1048576 bytes unread.'])
    },
    { onProblem: ({ message }) => problems.push(message) },
  )
}, 30_000)
