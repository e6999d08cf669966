/** The whole corpus on every test run: fewer samples than the page, the same verdicts. */
import { fileURLToPath } from 'node:url'
import { readCorpus, readEntry } from './entry.ts'
import { measure, partingOf, type Result } from './measure.ts'
import { corpusPage, isRight } from './table.ts'

const SAMPLES = 500
const corpus = readCorpus(fileURLToPath(new URL('../../examples/', import.meta.url)))
const results = new Map<string, Result>()

test('there are at least 45 programs', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(45)
})

test.each(corpus.map((entry) => [entry.name, entry] as const))('%s computes its equations', (name, entry) => {
  const result = measure(entry, { samples: SAMPLES, clock: null })
  results.set(name, result)
  const { measured, smaller, errors } = result
  expect(errors).toEqual([])
  expect(measured?.overloads).toEqual([])
  if (!entry.chaotic) expect(measured?.comparison.verdict).toBe('agrees')
  // Whatever needs a larger machine lacks elements or lanes of the smaller ones, and nothing else.
  for (const { device, missing } of smaller) {
    expect({ device, missing }).toEqual({ device, missing: missing.filter((message) => message.startsWith('ANA030')) })
    expect({ device, fits: missing.length === 0 }).toEqual({ device, fits: false })
  }
  expect(isRight(result)).toBe(true)
})

test('a chaotic program agrees with its equations up to a horizon of many units of time', () => {
  const { comparison, horizon } = results.get('lorenz')?.measured ?? {}
  // The largest Lyapunov exponent of this attractor is 0.906.
  expect(comparison?.divergence?.growthRate).toBeGreaterThan(0.6)
  expect(comparison?.divergence?.growthRate).toBeLessThan(1.4)
  expect(comparison?.divergence?.horizon).toBeGreaterThan(12)
  expect(horizon).toBeGreaterThan(12)
})

test.each(['chua', 'lue', 'sprott-c', 'sprott-s'])('%s is judged over most of the time that it agrees', (name) => {
  const { comparison, horizon } = results.get(name)?.measured ?? {}
  const parted = comparison ? (partingOf(comparison) ?? NaN) : NaN
  expect(horizon).toBeLessThanOrEqual(parted)
  expect(horizon).toBeGreaterThan(0.75 * parted)
})

test('the page names every program', () => {
  const page = corpusPage([...results.values()])
  expect(corpus.filter(({ name }) => !page.includes(`[${name}](../examples/${name}.ana)`))).toEqual([])
  expect(page.includes(`**${results.size} of ${results.size} agree with their equations**`)).toBe(true)
})

test.each(corpus.map((entry) => [entry.name, entry] as const))(
  '%s says what it is and where it is from',
  (_name, entry) => {
    expect(entry.title.length).toBeGreaterThan(10)
    expect(entry.source).not.toBe('')
  },
)

test('a device or an op time that is not known is refused', () => {
  expect(() => readEntry('x', '# X.\n# device: vax\n')).toThrow('x.ana names the device "vax", which is not known.')
  expect(() => readEntry('x', '# X.\n# op-time: long\n')).toThrow('x.ana has no op time such as 4ms.')
})
