import { Problem } from '@lucihub/analog'
import { float32Channel, int16Channel, storedRun, uuidOf } from './answerer.ts'
import { gatewayInTest, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())

const small = uuidOf('small')
const large = uuidOf('large')
const LARGE_SAMPLES = 3_000_000
const values = Float32Array.of(0, 0.5, -0.25, NaN, 1e-7, 3.1415927)
const codes = Int16Array.of(0, 1, -1, 32767, -32768, 100)
const GAIN = 0.001
const OFFSET = 1

beforeAll(() => {
  storedRun(hub.shelf, { id: small, ownerId: 'ada', state: 'COMPLETED' })
  hub.shelf.channels.set(small, [
    float32Channel({ index: 0, label: 'x', values }),
    int16Channel({ index: 1, label: '=SUM(A1,"b")', values: codes, gain: GAIN, offset: OFFSET }),
  ])
  storedRun(hub.shelf, { id: large, ownerId: 'ada', state: 'COMPLETED' })
  const wave = Float32Array.from({ length: LARGE_SAMPLES }, (_, i) => Math.sin(i / 1000))
  hub.shelf.channels.set(
    large,
    ['a', 'b', 'c', 'd'].map((label, index) => float32Channel({ index, label, values: wave })),
  )
})

const physicalCodes = Float32Array.from(codes, (code) => code * GAIN + OFFSET)
const results = (id: string, query: string, headers: Record<string, string> = {}) =>
  hub.ask(`/api/v1/runs/${id}/results?${query}`, { headers })
const NO_CODING = { 'accept-encoding': 'identity' }
const bytes = async (response: Response) => new Uint8Array(await response.arrayBuffer())

describe('channels', () => {
  test('have their figures', async () => {
    expect(await hub.client().channels(small)).toEqual({
      attempt: 1,
      sampleRateHz: 10_000,
      problemTimePerSecond: 100,
      channels: [
        {
          index: 0,
          label: 'x',
          unit: 'V',
          gain: 1,
          offset: 0,
          encoding: 'f32',
          samples: 6,
          digest: 'cafe',
          name: 'x',
          sourceName: 'probe-0',
          metadata: {},
          pages: [{ number: 0, name: '', dimension: 1, shape: [6], kind: 'samples', t0: 0, dt: 1e-4 }],
        },
        {
          index: 1,
          label: '=SUM(A1,"b")',
          unit: 'V',
          gain: GAIN,
          offset: OFFSET,
          encoding: 'i16',
          samples: 6,
          digest: 'cafe',
          name: '=SUM(A1,"b")',
          sourceName: 'probe-1',
          metadata: {},
          pages: [{ number: 0, name: '', dimension: 1, shape: [6], kind: 'samples', t0: 0, dt: 1e-4 }],
        },
      ],
    })
  })
})

describe('CSV', () => {
  test('is exact, quoted, and no formula', async () => {
    const response = await results(small, 'format=csv')
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="run-${small}.csv"`)
    expect(await response.text()).toBe(
      [
        `t_s,x,"'=SUM(A1,""b"")"`,
        '0,0,1',
        '0.0001,0.5,1.001',
        '0.0002,-0.25,0.999',
        '0.0003,NaN,33.767',
        '0.0004,1e-7,-31.768',
        '0.0005,3.1415927,1.1',
        '',
      ].join('\r\n'),
    )
  })

  test('counts in problem time when asked, and takes a window', async () => {
    const response = await results(small, 'format=csv&time=problem&channels=x&from=0.0001&to=%233')
    expect(await response.text()).toBe('t,x\r\n0.01,0.5\r\n0.02,-0.25\r\n')
    expect(await (await results(small, 'format=csv&channels=x&from=5')).text()).toBe('t_s,x\r\n')
  })
})

describe('JSON', () => {
  test('is one document of columns', async () => {
    const response = await results(small, 'channels=%231,x&from=%231&to=%234', { accept: 'application/json' })
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      fromIndex: 1,
      toIndex: 4,
      sampleRateHz: 10_000,
      problemTimePerSecond: 100,
      time: { kind: 'op', first: 0.0001, step: 0.0001 },
      channels: [
        { index: 1, label: '=SUM(A1,"b")', unit: 'V', values: [1.001, 0.999, 33.767] },
        { index: 0, label: 'x', unit: 'V', values: [0.5, -0.25, null] },
      ],
    })
  })
})

describe('raw bytes', () => {
  test('are float32 physical values, channel after channel', async () => {
    const response = await results(small, 'format=raw')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '48',
      'lucihub-channels': '0,1',
      'lucihub-first-index': '0',
      'lucihub-samples': '6',
      'lucihub-sample-rate-hz': '10000',
    })
    expect(await bytes(response)).toEqual(
      new Uint8Array(Buffer.concat([Buffer.from(values.buffer), Buffer.from(physicalCodes.buffer)])),
    )
  })

  test('are what is stored when asked, with what it takes to read them', async () => {
    const response = await results(small, 'format=raw&encoding=native')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': '36',
      'lucihub-encodings': 'f32,i16',
      'lucihub-gains': '1,0.001',
      'lucihub-offsets': '0,1',
    })
    expect(await bytes(response)).toEqual(
      new Uint8Array(Buffer.concat([Buffer.from(values.buffer), Buffer.from(codes.buffer)])),
    )
  })

  test('come as typed arrays out of the client', async () => {
    const samples = await hub.client().samples(small, { from: '#1' })
    expect(samples).toEqual({
      firstIndex: 1,
      sampleRateHz: 10_000,
      problemTimePerSecond: 100,
      channels: [
        { index: 0, label: 'x', unit: 'V', values: values.slice(1) },
        { index: 1, label: '=SUM(A1,"b")', unit: 'V', values: physicalCodes.slice(1) },
      ],
    })
  })

  test('of many slices are whole', async () => {
    const { channels } = await hub.client().samples(large, { channels: ['b'] })
    const expected = hub.shelf.channels.get(large)?.[1]?.bytes ?? new Uint8Array()
    expect(Buffer.from(channels[0]!.values.buffer).equals(Buffer.from(expected))).toBe(true)
  })

  test('that cannot be read to their end break off instead of ending', async () => {
    const [first, ...others] = hub.shelf.channels.get(large) ?? []
    const broken = uuidOf('broken')
    storedRun(hub.shelf, { id: broken, ownerId: 'ada', state: 'COMPLETED' })
    hub.shelf.channels.set(broken, [{ info: first!.info, bytes: first!.bytes.subarray(0, 4_000_000) }, ...others])
    const response = await results(broken, 'format=raw&channels=a')
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow()
    await expect((await results(broken, 'format=csv&channels=a')).text()).rejects.toThrow()
  })
})

describe('gzip', () => {
  test.each([
    ['gzip', 'gzip'],
    ['br, GZIP;q=0.5', 'gzip'],
    ['*', 'gzip'],
    ['identity', null],
    ['gzip;q=0, *', null],
  ])('is for text and for who takes it: %s', async (accepted, coding) => {
    for (const format of ['json', 'csv'] as const) {
      const response = await results(small, `format=${format}`, { 'accept-encoding': accepted })
      expect(response.headers.get('content-encoding')).toBe(coding)
      expect(await response.text()).toBe(await (await results(small, `format=${format}`, NO_CODING)).text())
    }
  })

  test('is not for samples as bytes, nor for what fits into a packet', async () => {
    const gzip = { 'accept-encoding': 'gzip' }
    const raw = await results(small, 'format=raw', gzip)
    expect([raw.headers.get('content-encoding'), raw.headers.get('content-length')]).toEqual([null, '48'])
    const short = await hub.ask(`/api/v1/runs/${small}/channels/none`, { headers: gzip })
    expect([short.status, short.headers.get('content-encoding')]).toEqual([404, null])
  })
})

describe('a format', () => {
  test.each([
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv; charset=utf-8; header=present'],
    ['text/html, text/*;q=0.5, application/json;q=0.2', 'text/csv; charset=utf-8; header=present'],
    ['application/octet-stream;q=0.9, application/json;q=0.8', 'application/octet-stream'],
  ])('is chosen by Accept: %s', async (accept, type) => {
    const response = await results(small, '', { accept })
    const vary = type === 'application/octet-stream' ? 'accept' : 'accept, accept-encoding'
    expect([response.headers.get('content-type'), response.headers.get('vary')]).toEqual([type, vary])
    await response.body?.cancel()
  })

  test('that nobody offers is not acceptable', async () => {
    const response = await results(small, '', { accept: 'image/png' })
    expect(await problemOf(response)).toMatchObject({
      type: '/problems/not-acceptable',
      status: 406,
      detail: 'This is available as application/json, text/csv, application/octet-stream.',
    })
  })
})

test('what cannot be selected is a violation', async () => {
  const unknown = await results(small, 'channels=x,zz')
  expect((await problemOf(unknown))['violations']).toEqual([
    { pointer: '/channels', value: 'zz', message: 'The run has no such channel.', remedy: 'Use x, =SUM(A1,"b").' },
  ])
  const backwards = await results(small, 'from=0.5&to=0.1')
  expect((await problemOf(backwards))['violations']).toEqual([
    {
      pointer: '/to',
      value: '0.1',
      message: 'The window ends before it begins.',
      remedy: 'Send a `to` that is at least `from` (0.5).',
    },
  ])
  const nonsense = await results(small, 'from=soon')
  expect((await problemOf(nonsense))['violations']).toMatchObject([
    {
      pointer: '/from',
      value: 'soon',
      message: 'It is neither seconds of op time, such as 0.25, nor a sample index, such as #1000.',
    },
  ])
})

test('a reader that does not read makes the store wait, not the gateway grow', async () => {
  const asked = () => hub.shelf.asked.get('readSamples') ?? 0
  const before = asked()
  const controller = new AbortController()
  const response = await hub.client().results(large, { format: 'csv', signal: controller.signal })
  const reader = response.body!.getReader()
  await reader.read()
  // Four channels of 3 000 000 samples are 1468 windows; a few are on their way to a reader that stopped, and in gzip
  // about three times as many fit into what the sockets hold.
  await settled(asked)
  expect(asked() - before).toBeLessThan(450)
  controller.abort()
  await expect(reader.read()).rejects.toThrow()
  await settled(asked)
  const after = asked()
  await hub.client().status()
  expect(asked()).toBe(after)
})

describe('a plot', () => {
  test('is JSON with null for what JSON cannot say', async () => {
    const plot = await hub.client().plot(small, { points: 3, channels: [1] })
    expect(plot).toEqual({
      fromIndex: 0,
      toIndex: 6,
      bucket: 64,
      pyramidLevel: 64,
      sampleRateHz: 10_000,
      problemTimePerSecond: 100,
      channels: [{ index: 1, label: '=SUM(A1,"b")', unit: '', minimum: [-0.1, -1.1, -2.1], maximum: [null, 1.1, 2.1] }],
    })
  })

  test('is bytes when asked', async () => {
    const response = await hub.ask(`/api/v1/runs/${small}/plot?points=2`, {
      headers: { accept: 'application/octet-stream' },
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'lucihub-channels': '0,1',
      'lucihub-bucket': '64',
      'lucihub-buckets': '2',
    })
    const floats = new Float32Array(await response.arrayBuffer())
    expect([...floats.slice(0, 4)].map((value) => Math.round(value * 10) / 10)).toEqual([-0.1, -1.1, NaN, 1.1])
    expect(floats).toHaveLength(8)
  })

  test('of nothing is empty', async () => {
    const plot = await hub.client().plot(small, { from: 100 })
    expect(plot.channels.map(({ minimum }) => minimum)).toEqual([[], []])
  })

  test('has at most 10 000 points', async () => {
    await expect(hub.client().plot(small, { points: 20_000 })).rejects.toBeInstanceOf(Problem)
  })
})

/** Resolves when a count has not changed for a while. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1; last !== count();) {
    last = count()
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}
