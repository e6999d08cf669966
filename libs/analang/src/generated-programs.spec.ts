/**
 * Programs made at random, with all there is in the language, for all machines: none makes the compiler throw, take
 * long, or break a device's rules. For many of them, from another seed:
 * npm test -- libs/analang/src/generated-programs --globals='{"PROGRAMS":100000,"SEED":1}'
 */
import { LUCIDAC, MREDAC, REDAC, violationsOf, type Compilation } from '@lucihub/analog'
import fc from 'fast-check'
import { compile } from './compile.ts'

const atom = fc.constantFrom('x(t)', 'y(t)', 'v', 'p', '2', '0.5', '1e-3', 't', 'diff[x, t](t)', 'pi')
const unary = fc.constantFrom('sin', 'cos', 'tan', 'exp', 'log', 'sqrt', 'tanh', 'sinh', 'cosh', 'atan', 'abs', 'sign')
const power = fc.constantFrom('2', '3', '-1', '-2', '0.5', '(-1.5)', '(1 / 3)', '0.7', 'p', '65', 'x')
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc
      .tuple(tie('expression'), fc.constantFrom(' + ', ' - ', ' * ', ' / '), tie('expression'))
      .map((parts) => `(${parts.join('')})`),
    fc.tuple(unary, tie('expression')).map(([name, inner]) => `${name}(${inner})`),
    fc.tuple(tie('expression'), power).map(([base, exponent]) => `(${base}) ^ ${exponent}`),
    // Where most functions are defined.
    tie('expression').map((inner) => `(1.5 + (${inner}) ^ 2)`),
    tie('expression').map((inner) => `-${inner}`),
  ),
}))
const number = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -300, max: 300 }).map((value) => String(value / 100)) },
  { weight: 1, arbitrary: fc.double({ min: -3, max: 3, noNaN: true }).map((value) => value.toPrecision(3)) },
)
const program = fc
  .record({ x: expression, y: expression, v: expression, probe: expression, x0: number, y0: number, width: number })
  .map(
    ({ x, y, v, probe, x0, y0, width }) => `use math; let p = 1.5; let v = ${v};
      let diff[x, t, t](t) = -x(t) - 0.1 * (${x}); let diff[y, t](t) = -y(t) + 0.1 * (${y});
      let x(t: 0) = ${x0}; let y(t: 0) = ${y0}; range y = -4 - p .. 4 + (${width}) ^ 2;
      probe x(t); probe x(t) + ${probe} as other;`,
  )

/** Systems of this many equations, each with some linear and quadratic terms of any size. */
const system = fc
  .integer({ min: 1, max: 40 })
  .chain((count) => {
    const other = fc.nat({ max: count - 1 })
    const term = fc.tuple(fc.constantFrom('0.1', '-1', '3', '-40', '1e3', '2e-4'), fc.array(other, { maxLength: 2 }))
    return fc.array(fc.array(term, { maxLength: 5 }), { minLength: count, maxLength: count })
  })
  .map((equations) => {
    const text = equations.map((terms, i) => {
      const sum = terms.map(([factor, others]) => [factor, ...others.map((j) => `x${j}`)].join(' * '))
      return `let diff[x${i}, t](t) = ${[`-x${i}`, ...sum].join(' + ')}; let x${i}(t: 0) = ${(i % 7) - 3};`
    })
    return `${text.join('\n')}\nprobe x0; probe x0 * x0 + ${equations.length - 1} * x${equations.length - 1} as other;`
  })

const target = fc.record({
  source: fc.oneof({ weight: 24, arbitrary: program }, { weight: 1, arbitrary: system }),
  device: fc.constantFrom(LUCIDAC, LUCIDAC, LUCIDAC, LUCIDAC, MREDAC, REDAC),
  opTimeNs: fc.constantFrom(20_000, 200_000, 1_000_000, 100_000_000),
})

const { PROGRAMS = 400, SEED = 20_253 } = globalThis as { PROGRAMS?: number; SEED?: number }
/** Processor time that one program may take. Work is what is bounded, so time spent waiting for a processor does not count. */
const PROGRAM_CPU_MS = 1_000
/** Patience with a busy machine. */
const PROGRAM_MS = 50

test(
  'programs become sound configurations or errors that say why',
  () => {
    const outcomes = new Map<string, number>()
    let slowest = { cpuMs: 0, source: '' }
    fc.assert(
      fc.property(target, ({ source, ...options }) => {
        const compiled = (): { cpuMs: number } & Compilation => {
          const begun = process.cpuUsage()
          const compilation = compile(source, options)
          const { user, system: kernel } = process.cpuUsage(begun)
          return { ...compilation, cpuMs: (user + kernel) / 1000 }
        }
        const first = compiled()
        // The same work twice: the first time may have paid for the compiler's own compilation too.
        const { cpuMs, diagnostics, result } = first.cpuMs > PROGRAM_CPU_MS / 2 ? compiled() : first
        if (cpuMs > slowest.cpuMs) slowest = { cpuMs, source }
        const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ code }) => code)
        const outcome = result ? 'compiled' : (errors[0] ?? '')
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        expect(errors.length > 0).toBe(result === null)
        expect(diagnostics.every(({ message }) => message !== '' && !/NaN|undefined|null/.test(message))).toBe(true)
        expect(result ? violationsOf(result.configuration, options.device) : []).toEqual([])
      }),
      { seed: SEED, numRuns: PROGRAMS },
    )
    if (PROGRAMS > 400) process.stdout.write(`${PROGRAMS} programs: ${told(outcomes, slowest)}\n`)
    expect(outcomes.get('compiled')).toBeGreaterThan(PROGRAMS / 6)
    expect(slowest.cpuMs).toBeLessThan(PROGRAM_CPU_MS)
  },
  20_000 + PROGRAMS * PROGRAM_MS,
)

function told(outcomes: ReadonlyMap<string, number>, { cpuMs, source }: { cpuMs: number; source: string }): string {
  const counts = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${outcome} ${count}`)
  return `${counts.join(', ')}; the slowest took ${cpuMs.toFixed(0)} ms of processor time:\n${source}`
}
