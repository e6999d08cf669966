import { CRASH_POINTS } from '@lucihub/service-kit/crash-points'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MUTANTS, mutated } from './mutants.ts'
import { overlapping, scheduleOf } from './schedule.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const schedules = Array.from({ length: 200 }, (_, seed) => scheduleOf(seed, CRASH_POINTS))

test('a seed makes one schedule, and another seed another', () => {
  expect(scheduleOf(7, CRASH_POINTS)).toEqual(schedules[7])
  expect(scheduleOf(8, CRASH_POINTS).faults).not.toEqual(schedules[7]?.faults)
})

test('every schedule has 4 to 20 runs and at least 8 faults, a third of which lie on another', () => {
  for (const { seed, runs, faults } of schedules) {
    expect({ seed, runs: runs.length >= 4 && runs.length <= 20, faults: faults.length >= 8 }).toEqual({
      seed,
      runs: true,
      faults: true,
    })
    expect(overlapping(faults)).toBeGreaterThanOrEqual(0.35)
  }
})

test('faults that do not touch each other do not overlap', () => {
  const fault = { kind: 'redis-flush', forMs: 100 } as const
  expect(
    overlapping([
      { ...fault, at: 0 },
      { ...fault, at: 200 },
    ]),
  ).toBe(0)
  expect(
    overlapping([
      { ...fault, at: 0 },
      { ...fault, at: 50 },
      { ...fault, at: 200 },
      { ...fault, at: 400 },
    ]),
  ).toBe(0.5)
})

test('every crash point is reached for, and named at one place of its service', () => {
  for (const [service, points] of Object.entries(CRASH_POINTS)) {
    const folder = join(root, 'services', service, 'src')
    const named = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/crashPoint\('([^']+)'\)/g)])
      .map(([, point]) => point)
    expect(named.sort()).toEqual([...points].sort())
  }
  const wanted = new Set(
    schedules.flatMap(({ faults }) => faults.flatMap((fault) => (fault.kind === 'crash-point' ? [fault.point] : []))),
  )
  expect([...wanted].sort()).toEqual(Object.values(CRASH_POINTS).flat().sort())
})

test.each(Object.entries(MUTANTS))('mutant %s fits the sources of today', (_id, mutant) => {
  for (const file of new Set(mutant.changes.map((change) => change.file))) {
    const source = readFileSync(join(root, file), 'utf8')
    const changed = mutated(mutant, join(root, file), source)
    expect(changed).not.toBe(source)
    expect(changed).not.toBeNull()
  }
})

test('a change that does not fit its source exactly once is refused', () => {
  const mutant = { what: '', bundles: [], changes: [{ file: 'a.ts', from: 'x', to: 'y' }] }
  expect(() => mutated(mutant, '/a.ts', 'x x')).toThrow("The mutant's change of a.ts fits 2 times instead of once:\nx")
  expect(mutated(mutant, '/b.ts', 'x')).toBeNull()
})
