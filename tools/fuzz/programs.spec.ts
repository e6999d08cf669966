import { fuzzPrograms, LIMIT_CPU_MS } from './programs.ts'

const PROGRAMS = 400
/** In jest's context every look at a global such as Math costs; `npm run fuzz` holds the limit itself. */
const JEST_FACTOR = 3

test('programs become sound configurations or errors that say why, within a bounded time', () => {
  const { outcomes, slowest } = fuzzPrograms({ programs: PROGRAMS, seed: 20_253 })
  expect(outcomes.get('compiled')).toBeGreaterThan(PROGRAMS / 6)
  expect(slowest.cpuMs).toBeLessThan(LIMIT_CPU_MS * JEST_FACTOR)
}, 60_000)
