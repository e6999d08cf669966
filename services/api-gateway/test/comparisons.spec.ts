import { float32Channel, int16Channel, storedRun, uuidOf } from './answerer.ts'
import { gatewayInTest, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())

const SAMPLES = 150_000
const wave = (scale: number) => Float32Array.from({ length: SAMPLES }, (_, i) => scale * Math.sin(i / 5000))

/** A run of the owner with these channels, in the order of their indices. */
function put(name: string, channels: Record<string, Float32Array>, ownerId = 'ada'): string {
  const id = uuidOf(name)
  storedRun(hub.shelf, { id, ownerId, state: 'COMPLETED' })
  hub.shelf.channels.set(
    id,
    Object.entries(channels).map(([label, values], index) => float32Channel({ index, label, values })),
  )
  return id
}

const compare = (id: string, query: string) => hub.ask(`/api/v1/runs/${id}/comparison?${query}`)

test('runs of many slices are compared channel by channel, found by their labels', async () => {
  const a = put('a', { x: wave(1), y: wave(0.5) })
  const b = put('b', { y: wave(0.5), x: wave(1.25) })
  const comparison = await hub.client().comparison(a, { with: b, tolerance: 0.05 })
  expect(comparison).toMatchObject({
    run: a,
    with: b,
    verdict: 'differs',
    tolerance: 0.05,
    time: 'op',
    span: { from: 0, until: 14.9999 },
    divergence: null,
  })
  const [x, y] = comparison.channels
  expect(y).toMatchObject({
    index: 1,
    label: 'y',
    unit: 'V',
    samples: SAMPLES,
    verdict: 'agrees',
    max: { machine: 0, physical: 0 },
    maxTime: 0,
    firstExcursion: null,
  })
  expect(x).toMatchObject({
    index: 0,
    label: 'x',
    samples: SAMPLES,
    verdict: 'differs',
  })
  expect(x?.max.physical).toBeCloseTo(0.25, 6)
  expect(x?.max.machine).toBeCloseTo(0.25 / (x?.fullScale ?? NaN), 6)
  expect(x?.rms.physical).toBeCloseTo(0.25 * Math.SQRT1_2, 2)
})

test('a run compared with one of half the rate, stored as codes, agrees within its codes', async () => {
  const a = put('fast', { x: wave(1) })
  const b = put('slow', { x: new Float32Array(0) })
  const codes = Int16Array.from({ length: SAMPLES / 2 }, (_, i) => Math.round(30_000 * Math.sin(i / 2500)))
  hub.shelf.channels.set(b, [int16Channel({ index: 0, label: 'x', values: codes, gain: 1 / 30_000, offset: 0 })])
  const run = hub.shelf.runs.get(b)
  if (run?.spec) hub.shelf.runs.set(b, { ...run, spec: { ...run.spec, sampleRateHz: 5_000 } })
  const { verdict, span, channels } = await hub.client().comparison(a, { with: b, tolerance: 1e-4 })
  expect([verdict, span, channels[0]?.samples]).toEqual(['agrees', { from: 0, until: 14.9998 }, SAMPLES - 1])
  expect(channels[0]?.max.physical).toBeLessThan(0.6 / 30_000 + 1e-6)
})

test('what is no number is null', async () => {
  const a = put('holes', { x: Float32Array.of(0, NaN, 0) })
  const { verdict, channels } = await hub.client().comparison(a, { with: put('whole', { x: new Float32Array(3) }) })
  expect([verdict, channels[0]?.max, channels[0]?.rms]).toEqual([
    'differs',
    { machine: null, physical: null },
    { machine: null, physical: null },
  ])
})

test('runs without samples have nothing in common', async () => {
  const a = put('empty', { x: new Float32Array(0) })
  expect(await hub.client().comparison(a, { with: a })).toMatchObject({ verdict: 'differs', span: null })
})

test('runs with other channels are refused, with both lists', async () => {
  const response = await compare(put('p', { x: wave(1), v: wave(1) }), `with=${put('q', { x: wave(1) })}`)
  expect(response.status).toBe(422)
  expect(await problemOf(response)).toMatchObject({
    type: '/problems/validation-failed',
    detail: 'The runs do not measure the same channels.',
    violations: [
      {
        pointer: '/with',
        value: 'x',
        message: 'The other run measures these channels.',
        remedy: 'Name a run that measures v, x.',
      },
    ],
  })
})

test("another user's run, and what is no run, are not found", async () => {
  const mine = put('mine', { x: wave(1) })
  const theirs = put('theirs', { x: wave(1) }, 'bob')
  for (const other of [theirs, uuidOf('nowhere'), 'x']) {
    const response = await compare(mine, `with=${other}`)
    expect([other, response.status, (await problemOf(response))['type']]).toEqual([other, 404, '/problems/not-found'])
  }
  expect((await compare(theirs, `with=${mine}`)).status).toBe(404)
})

test.each([
  ['', 400],
  ['with=x&tolerance=0', 422],
  ['with=x&tolerance=2', 422],
  ['with=x&tolerance=much', 400],
  ['with=x&more=1', 400],
])('the query "%s" is refused', async (query, status) => {
  const response = await compare(put('any', { x: wave(1) }), query)
  expect([response.status, (await problemOf(response))['status']]).toEqual([status, status])
})
