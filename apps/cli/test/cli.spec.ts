import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixed, type Diagnostic } from '@lucihub/analog'
import { RUN_ID, startHub, type Hub, type HubOptions } from './hub.ts'
import { invoke } from './invoke.ts'

const OSCILLATOR = [
  'probe x(t);',
  'probe diff[x, t](t) as v;',
  'let diff[x, t, t](t) = -x(t);',
  'let x(t: 0) = 0.5;',
  '',
].join('\n')

let directory: string
let hub: Hub
const path = (name: string): string => join(directory, name)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lucihub-cli-'))
  await writeFile(path('x.ana'), OSCILLATOR)
  hub = await startHub()
})

afterEach(async () => {
  await hub.close()
  await rm(directory, { recursive: true })
})

/** Another hub for one test. */
async function withHub(options: HubOptions, use: (other: Hub) => Promise<void>): Promise<void> {
  const other = await startHub(options)
  try {
    await use(other)
  } finally {
    await other.close()
  }
}

test('run submits what the options say, follows to the end and shows the result', async () => {
  const { code, stdout, stderr } = await invoke(hub, [
    'run',
    path('x.ana'),
    '--simulate',
    '--op-time',
    '2ms',
    '--sample-rate',
    '50k',
    '--halt-on-overload',
    '--title',
    'swing',
  ])
  expect(code).toBe(0)
  expect(hub.submission()).toEqual({
    kind: 'simulate',
    title: 'swing',
    source: OSCILLATOR,
    opTimeNs: 2_000_000,
    sampleRateHz: 50_000,
    haltOnOverload: true,
  })
  expect(stderr).toContain(`Run ${RUN_ID}\nQUEUED\nRUNNING\nRUNNING OP\nCOMPLETED`)
  expect(stdout).toMatch(/^state +COMPLETED$/m)
  expect(stdout).toMatch(/^samples +100 of 100 per channel$/m)
  expect(stdout).toMatch(/^overload +M0\.3, 1\/M0\.4$/m)
  expect(stdout).toContain('v against x')
  expect(stdout).toMatch(/[\u2801-\u28ff]{3}/)
})

test('run writes measurements and plot, and checks them against the equations', async () => {
  const { code, stdout } = await invoke(hub, [
    'run',
    path('x.ana'),
    '--simulate',
    '--op-time',
    '2ms',
    '--sample-rate',
    '50k',
    '--json',
    '--check',
    '--out',
    path('data.csv'),
    '--plot',
    path('plot.svg'),
    '--phase',
    'v,x',
  ])
  expect(code).toBe(0)
  const document = JSON.parse(stdout) as {
    run: { id: string }
    files: object
    check: { label: string; rms: number; max: number; horizon: null }[]
  }
  expect(document.run.id).toBe(RUN_ID)
  expect(document.files).toEqual({ out: path('data.csv'), plot: path('plot.svg') })
  expect(document.check.map(({ label, horizon }) => [label, horizon])).toEqual([
    ['x', null],
    ['v', null],
  ])
  for (const { max, rms } of document.check) {
    expect(max).toBeLessThan(1e-4)
    expect(rms).toBeLessThanOrEqual(max)
    expect(rms).toBeGreaterThan(0)
  }
  expect((await readFile(path('data.csv'), 'utf8')).split('\r\n').slice(0, 2)).toEqual(['t_s,x,v', '0,0.5,0'])
  expect(await readFile(path('plot.svg'), 'utf8')).toContain('x against v')
})

test('run prints the id at once with --no-follow', async () => {
  expect(await invoke(hub, ['run', '-', '--no-follow'], { stdin: OSCILLATOR })).toEqual({
    code: 0,
    stdout: `${RUN_ID}\n`,
    stderr: '',
  })
  expect(hub.submission()).toMatchObject({ kind: 'run', title: 'stdin', opTimeNs: 100_000_000, sampleRateHz: 10_000 })
  expect(hub.requests).toEqual(['POST /api/v1/runs'])
})

test('a configuration from compile --out runs as it is', async () => {
  expect((await invoke(hub, ['compile', path('x.ana'), '--out', path('x.json')])).code).toBe(0)
  expect((await invoke(hub, ['run', path('x.json'), '--simulate', '--op-time', '1ms'])).code).toBe(0)
  expect(hub.submission()?.configuration?.probes.map(({ label }) => label)).toEqual(['x', 'v'])
  expect(hub.submission()?.source).toBeUndefined()
})

test('compile reports elements, lanes and scale factors', async () => {
  const { code, stdout } = await invoke(hub, ['compile', path('x.ana'), '--op-time', '1ms'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ELEMENT +USED +OF$/m)
  expect(stdout).toMatch(/^lane +2 +32$/m)
  expect(stdout).toMatch(/^SIGNAL +PLACE +SCALE +AMPLITUDE$/m)
  expect(stdout).toMatch(/^k0 +10000\/s$/m)
})

test('compile --out writes the form that the extension names', async () => {
  for (const name of ['x.apb', 'x.svg', 'x.json'])
    expect((await invoke(hub, ['compile', path('x.ana'), '--op-time', '1ms', '--out', path(name)])).code).toBe(0)
  expect(await readFile(path('x.svg'), 'utf8')).toMatch(/^<svg [\s\S]*>v<\/text>/)
  expect(JSON.parse(await readFile(path('x.apb'), 'utf8'))).toEqual(JSON.parse(await readFile(path('x.json'), 'utf8')))
})

test('inspect shows what a circuit takes and computes, and writes it in other forms', async () => {
  await invoke(hub, ['compile', path('x.ana'), '--op-time', '1ms', '--out', path('x.apb')])
  const { code, stdout } = await invoke(hub, ['inspect', path('x.apb'), '--svg', path('y.svg'), '--apb', path('y.apb')])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^format +apb$/m)
  expect(stdout).toMatch(/^faults +none$/m)
  expect(stdout).toMatch(/^integrator +2 +8$/m)
  expect(stdout).toContain('let diff[x, t](t) = v(t);\nlet diff[v, t](t) = -x(t);\n')
  expect(stdout).toContain(`wrote ${path('y.svg')}\nwrote ${path('y.apb')}\n`)
  expect(await readFile(path('y.apb'))).toEqual(await readFile(path('x.apb')))
  expect(hub.requests.at(-1)).toBe('POST /api/v1/circuits/inspect')
})

test('inspect --equations prints a program that compiles', async () => {
  await invoke(hub, ['compile', path('x.ana'), '--op-time', '1ms', '--out', path('x.json')])
  const { stdout, code } = await invoke(hub, ['inspect', path('x.json'), '--equations', '--device', 'lucidac-1'])
  expect([code, stdout.split('\n')[0]]).toEqual([0, '# A circuit of 2 integrators, 0 other elements and 2 lanes.'])
  expect(hub.requests.at(-1)).toBe('POST /api/v1/circuits/inspect?device=lucidac-1')
  await writeFile(path('again.ana'), stdout)
  expect((await invoke(hub, ['compile', path('again.ana'), '--op-time', '1ms'])).code).toBe(0)
})

test('inspect names the faults of a circuit with their places: exit code 1', async () => {
  await writeFile(path('circuit.json'), '{"/0":{"/C":2}}')
  const { code, stdout } = await invoke(hub, ['inspect', path('circuit.json'), '--svg', path('no.svg')])
  expect([code, stdout]).toEqual([
    1,
    [
      `file    ${path('circuit.json')}`,
      'format  circuit',
      'faults  one fault',
      '',
      '  /~10/~1C = 2: It must be an object.',
      '    remedy: Send an object.',
      '',
    ].join('\n'),
  ])
  expect(await readdir(directory)).not.toContain('no.svg')
})

test('an .apb file and circuit JSON run as they are', async () => {
  await invoke(hub, ['compile', path('x.ana'), '--op-time', '1ms', '--out', path('x.apb')])
  expect((await invoke(hub, ['run', path('x.apb'), '--op-time', '1ms', '--no-follow'])).code).toBe(0)
  expect(hub.submission()).toMatchObject({
    title: 'x.apb',
    apb: (await readFile(path('x.apb'))).toString('base64'),
  })
  await writeFile(path('circuit.json'), '{"/0":{}}')
  const { stderr } = await invoke(hub, ['run', path('circuit.json'), '--op-time', '1ms', '--no-follow'])
  expect(stderr).toContain('The program does not compile.')
})

test.each([
  [['inspect', 'x.ana'], 'is a program: see lucihub compile.'],
  [['compile', 'x.apb'], 'There is nothing to compile in an .apb file: see lucihub inspect.'],
])('%j is the other command', async ([command = '', name = ''], message) => {
  await writeFile(path('x.apb'), '')
  const { code, stderr } = await invoke(hub, [command, path(name)])
  expect([code, stderr.split('\n')[0]]).toEqual([64, expect.stringContaining(message)])
})

test.each(['compile', 'run'])('%s shows what does not compile with a caret under it', async (command) => {
  await writeFile(path('bad.ana'), 'probe y(t);\n')
  const { code, stdout, stderr } = await invoke(hub, [command, path('bad.ana')])
  expect(code).toBe(1)
  expect(stderr).toContain('error[ANA0101]')
  expect(stderr).toContain(`${path('bad.ana')}:1:7`)
  expect(stderr).toMatch(/\^/)
  expect(stdout).toBe(`${path('bad.ana')} does not compile.\n`)
})

test.each(['compile', 'run'])('%s shows the line as it would be when an edit mends it', async (command) => {
  const source = 'let diff[x, t](t) = -x(t)\nlet x(t: 0) = 1;\nprobe x(t);\n'
  await writeFile(path('bad.ana'), source)
  const { code, stdout, stderr } = await invoke(hub, [command, path('bad.ana'), '--json'])
  expect(code).toBe(1)
  expect(stderr).toContain('  = fix: insert `;`\n  |\n1 + let diff[x, t](t) = -x(t);\n')
  const answer = JSON.parse(stdout) as { diagnostics?: Diagnostic[]; error?: { diagnostics: Diagnostic[] } }
  const fix = (answer.diagnostics ?? answer.error?.diagnostics)?.[0]?.fix
  expect(fix && fixed(source, fix)).toBe(source.replace('-x(t)\n', '-x(t);\n'))
})

test('compile names the machine that it chose, and none where one is named', async () => {
  const machineOf = async (file: string, ...more: string[]): Promise<string | undefined> => {
    const { code, stdout } = await invoke(hub, ['compile', path(file), '--op-time', '1ms', ...more])
    expect(code).toBe(0)
    return /^machine +(.+)$/m.exec(stdout)?.[1]
  }
  const chain = Array.from(
    { length: 9 },
    (_, i) => `let diff[x${i}, t](t) = 0.5 * x${(i + 8) % 9}(t) - x${i}(t); let x${i}(t: 0) = 0.5;`,
  )
  await writeFile(path('nine.ana'), `${chain.join('\n')}\nprobe x0(t);\n`)
  expect(await machineOf('x.ana')).toBe('LUCIDAC')
  expect(await machineOf('nine.ana')).toBe('mREDAC')
  expect(await machineOf('x.ana', '--device', 'lucidac-1')).toBeUndefined()
})

test.each([
  ['FAILED', 1],
  ['TIMED_OUT', 1],
  ['CANCELED', 2],
  ['COMPLETED', 0],
] as const)('a run that ends %s gives exit code %p', (ends, expected) =>
  withHub({ ends }, async (other) => {
    const run = await invoke(other, ['run', path('x.ana'), '--op-time', '1ms', '--json'])
    expect(run.code).toBe(expected)
    expect(JSON.parse(run.stdout)).toMatchObject({ run: { state: ends } })
    expect((await invoke(other, ['wait', RUN_ID])).code).toBe(expected)
  }),
)

test('a failed run says why', () =>
  withHub({ ends: 'FAILED' }, async (other) => {
    const { stdout } = await invoke(other, ['run', path('x.ana'), '--op-time', '1ms'])
    expect(stdout).toMatch(/^state +FAILED: the device caught fire$/m)
  }))

test('wait gives up after its timeout with exit code 124, and the run goes on', () =>
  withHub({ neverEnds: true, ends: 'RUNNING' }, async (other) => {
    await invoke(other, ['run', path('x.ana'), '--op-time', '1ms', '--no-follow'])
    const { code, stderr, stdout } = await invoke(other, ['wait', RUN_ID, '--timeout', '50ms', '--json'])
    expect(code).toBe(124)
    expect(stderr).toContain(`The run goes on: lucihub wait ${RUN_ID}`)
    expect(JSON.parse(stdout)).toEqual({ id: RUN_ID, followed: 'timeout' })
  }))

test('Ctrl-C stops following with exit code 130 and leaves the run alone', () =>
  withHub({ neverEnds: true, ends: 'RUNNING' }, async (other) => {
    const { code, stderr } = await invoke(other, ['run', path('x.ana'), '--op-time', '1ms'], {
      interruptWhen: (text) => text.includes('RUNNING OP'),
    })
    expect(code).toBe(130)
    expect(stderr).toContain(`The run goes on: lucihub wait ${RUN_ID}`)
    expect(other.requests.filter((request) => request.includes('cancel'))).toEqual([])
  }))

test('cancel of a run that is over is a conflict: exit code 4', async () => {
  await invoke(hub, ['run', path('x.ana'), '--op-time', '1ms', '--no-follow'])
  const { code, stderr, stdout } = await invoke(hub, ['cancel', RUN_ID])
  expect([code, stdout]).toEqual([4, ''])
  expect(stderr).toBe('lucihub: The state does not allow this (409)\n  The run is COMPLETED.\n')
})

test('a refusal shows title, detail and every violation with its remedy: exit code 3', () =>
  withHub(
    {
      problem: {
        type: 'validation-failed',
        detail: 'One value is out of bounds.',
        violations: [
          {
            pointer: '/sampleRateHz',
            value: '600000',
            message: 'must be at most 500000',
            remedy: 'send 500000 or less',
          },
        ],
      },
    },
    async (other) => {
      const { code, stderr } = await invoke(other, ['run', path('x.ana'), '--sample-rate', '600k'])
      expect(code).toBe(3)
      expect(stderr).toBe(
        [
          'lucihub: The request has values out of bounds (422)',
          '  One value is out of bounds.',
          '  /sampleRateHz = 600000: must be at most 500000',
          '    remedy: send 500000 or less',
          '',
        ].join('\n'),
      )
    },
  ))

test('an unreachable hub is exit code 3, without a stack trace, and one JSON document with --json', async () => {
  await hub.close()
  const { code, stderr, stdout } = await invoke(hub, ['status', '--json'])
  expect(code).toBe(3)
  expect(stderr).toContain(`lucihub: no answer from ${hub.url}/api/v1`)
  expect(stderr).not.toMatch(/^ +at /m)
  expect(JSON.parse(stdout)).toMatchObject({ error: { type: 'transport' } })
  hub = await startHub()
})

test.each([
  [['run'], "missing required argument 'file'"],
  [['run', 'x.ana', '--op-time', '20'], 'A duration is a number with a unit'],
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['runs', '--state', 'happy'], "'HAPPY' is none of CREATED"],
  [['run', 'x.ana', '--phase', 'x'], 'Use two channels: x,z.'],
  [['status', '--url', 'nowhere'], "'nowhere' is not a URL."],
])('%j is a usage error: exit code 64', async (args, message) => {
  const { code, stderr } = await invoke(hub, args)
  expect(stderr).toContain(message)
  expect(code).toBe(64)
})

test('options that need the result do not go with --no-follow', async () => {
  const { code, stderr } = await invoke(hub, ['run', path('x.ana'), '--no-follow', '--check'])
  expect([code, stderr.split('\n')[0]]).toEqual([64, '--check needs the result, so it does not go with --no-follow.'])
  expect(hub.requests).toEqual([])
})

test('without a key nothing is asked, and the ways to give one are named', async () => {
  const { code, stderr } = await invoke(hub, ['status'], { env: { LUCIHUB_URL: hub.url } })
  expect(code).toBe(64)
  expect(stderr).toContain('Set LUCIHUB_API_KEY, or LUCIHUB_API_KEY_FILE')
  expect(hub.requests).toEqual([])
})

test('the key may come from a file', async () => {
  await writeFile(path('key'), 'test-key\n')
  const env = { LUCIHUB_URL: hub.url, LUCIHUB_API_KEY_FILE: path('key') }
  expect((await invoke(hub, ['status'], { env })).code).toBe(0)
  const wrong = await invoke(hub, ['status'], { env: { LUCIHUB_URL: hub.url, LUCIHUB_API_KEY: 'other' } })
  expect([wrong.code, wrong.stderr.split('\n')[0]]).toEqual([3, 'lucihub: A valid API key is required (401)'])
})

test('a file that is not there is named', async () => {
  const { code, stderr } = await invoke(hub, ['run', path('nothing.ana')])
  expect([code, stderr]).toEqual([1, `lucihub: Cannot read ${path('nothing.ana')}: there is no such file.\n`])
})

test('results go to stdout as they come, or whole into a file', async () => {
  await invoke(hub, ['run', path('x.ana'), '--op-time', '1ms', '--no-follow'])
  const { stdout } = await invoke(hub, ['results', RUN_ID, '--channels', 'v', '--from', '1ms', '--to', '#20'])
  expect(stdout.split('\r\n')[0]).toBe('t_s,v')
  expect(hub.requests.at(-1)).toBe(`GET /api/v1/runs/${RUN_ID}/results?channels=v&from=0.001&to=%2320&format=csv`)
  const saved = await invoke(hub, ['results', RUN_ID, '--out', path('x.raw'), '--json'])
  expect(JSON.parse(saved.stdout)).toEqual({ run: RUN_ID, file: path('x.raw'), format: 'raw' })
  expect((await readFile(path('x.raw'))).length).toBe(2 * 10 * 4)
})

test('measurements that break off leave no file behind: exit code 3', () =>
  withHub({ breakAfter: 10 }, async (other) => {
    await invoke(other, ['run', path('x.ana'), '--op-time', '1ms', '--no-follow'])
    const { code, stderr } = await invoke(other, ['results', RUN_ID, '--out', path('half.csv')])
    expect([code, stderr]).toEqual([3, 'lucihub: the measurements broke off\n'])
    expect(await readdir(directory)).toEqual(['x.ana'])
  }))

test('status, devices, runs, show and logs are tables for people', async () => {
  await invoke(hub, ['run', path('x.ana'), '--op-time', '1ms', '--title', 'swing', '--no-follow'])
  const text = async (...args: string[]): Promise<string> => (await invoke(hub, args)).stdout
  expect(await text('status')).toMatch(/^hub +lucihub 0\.1\.0\nup for +90 s\nready +yes\n/)
  expect(await text('devices')).toMatch(/^lucidac-1 +04-E9-E5-15-87-A0 +LUCIDAC +driven +2 +lab$/m)
  expect(await text('devices', 'lucidac-1')).toContain('  /0  CLUSTER type 0 v0.0.0\n    /M0  M_BLOCK type 1 v1.1.1')
  expect(await text('runs')).toMatch(
    new RegExp(`^${RUN_ID} +COMPLETED +run +04-E9-E5-15-87-A0 +2026-01-02T03:04:05Z +1 ms +10 +swing$`, 'm'),
  )
  expect(await text('show', RUN_ID)).toMatch(/^ +1 +ENDED +04-E9-E5-15-87-A0 +ok$/m)
  // A log line cannot drive the terminal.
  expect(await text('logs', RUN_ID)).toBe('2026-01-02T03:04:05.000Z [1] calibrated\u{fffd}[2J\n')
})

test.each([
  'status',
  'devices',
  'devices lucidac-1',
  'runs',
  `show ${RUN_ID}`,
  `logs ${RUN_ID}`,
  `wait ${RUN_ID}`,
  'compile x.ana',
])('%s --json prints exactly one JSON document', async (line) => {
  await invoke(hub, ['run', path('x.ana'), '--op-time', '1ms', '--no-follow'])
  const { code, stdout } = await invoke(hub, [...line.replace('x.ana', path('x.ana')).split(' '), '--json'])
  expect(code).toBe(0)
  expect(typeof JSON.parse(stdout)).toBe('object')
})

test('operators decide about devices', async () => {
  const out = async (...args: string[]) => (await invoke(hub, ['admin', 'devices', ...args])).stdout
  expect(await out('list')).toMatch(/^lucidac-1 +04-E9-E5-15-87-A0 +approved +driven +list$/m)
  expect(await out('quarantine', 'lucidac-1', '--reason', 'odd')).toBe(
    'lucidac-1 (04-E9-E5-15-87-A0) is quarantined.\n',
  )
  expect(hub.requests.at(-1)).toBe('POST /api/v1/devices/lucidac-1/approval')
  expect(await out('release', 'lucidac-1')).toBe('lucidac-1 (04-E9-E5-15-87-A0) is approved.\n')
  expect(await out('history', 'lucidac-1', '--limit', '5')).toMatch(
    /^7 +2026-01-01T00:00:00.000Z +quarantined +\{"reason":/m,
  )
  expect(hub.requests.at(-1)).toBe('GET /api/v1/devices/lucidac-1/history?limit=5')
  expect(await out('offer', 'lucidac-1', '--drain')).toBe('lucidac-1: drained.\n')
  expect(await out('offer', 'lucidac-1', '--from', '08:00', '--until', '18:00')).toBe(
    'lucidac-1: offered from 08:00 until 18:00 (UTC).\n',
  )
  for (const wrong of [[], ['--from', '08:00'], ['--drain', '--resume']])
    expect((await invoke(hub, ['admin', 'devices', 'offer', 'lucidac-1', ...wrong])).code).toBe(64)
})

test('compare says where two runs differ, with an exit code to match', async () => {
  await invoke(hub, ['run', path('x.ana'), '--simulate', '--op-time', '1ms', '--sample-rate', '10k'])
  const other = RUN_ID.replace('1', '2')
  expect(await invoke(hub, ['compare', RUN_ID, RUN_ID])).toEqual({
    code: 0,
    stderr: '',
    stdout: [
      'CHANNEL  RMS  LARGEST  PHYSICAL   AT  BEYOND 1 % FROM  VERDICT',
      'x        0 %      0 %       0 V  0 s            never  agrees',
      'v        0 %      0 %       0 V  0 s            never  agrees',
      'Differences are relative to full scale, from 0 s to 0.0009 s of op time.',
      'The runs agree.',
      '',
    ].join('\n'),
  })
  const differing = await invoke(hub, ['compare', RUN_ID, other])
  expect([differing.code, differing.stdout]).toEqual([
    1,
    expect.stringMatching(/^x .* 5 % +0.05 V +0 s +0 s {2}differs$/m),
  ])
  expect(differing.stdout).toContain('The runs differ.')
  const { code, stdout } = await invoke(hub, ['compare', RUN_ID, other, '--tolerance', '10%', '--json'])
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { verdict: 'agrees', tolerance: 0.1, with: other }])
  expect(hub.requests.at(-1)).toBe(`GET /api/v1/runs/${RUN_ID}/comparison?with=${other}&tolerance=0.1`)
})

test.each(['0', '2', '101%', 'much'])('compare refuses the tolerance %s', async (tolerance) => {
  const { code, stderr } = await invoke(hub, ['compare', RUN_ID, RUN_ID, '--tolerance', tolerance])
  expect([code, hub.requests]).toEqual([64, []])
  expect(stderr).toContain('This is a part of full scale: 1%, 0.5%, 0.002.')
})

test('a list says how to get its next page, on stderr', async () => {
  await invoke(hub, ['run', path('x.ana'), '--op-time', '1ms', '--no-follow'])
  const { stderr } = await invoke(hub, ['runs', '--state', 'completed,failed', '--limit', '1'])
  expect(stderr).toBe('More: --cursor next-page\n')
  expect(hub.requests.at(-1)).toBe('GET /api/v1/runs?state=COMPLETED%2CFAILED&limit=1')
})

test.each([
  'status',
  'devices',
  'compile',
  'inspect',
  'run',
  'runs',
  'show',
  'logs',
  'wait',
  'cancel',
  'results',
  'compare',
])('%s --help has examples and asks nobody', async (command) => {
  const { code, stdout } = await invoke(hub, [command, '--help'])
  expect([code, hub.requests]).toEqual([0, []])
  expect(stdout).toContain(`Examples:\n  lucihub ${command}`)
})
