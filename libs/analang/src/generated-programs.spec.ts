/**
 * Programs made at random, with all there is in the language: none makes the compiler throw or break a device's rules.
 * For many of them: npm test -- libs/analang/src/generated-programs --globals='{"PROGRAMS":100000}'
 */
import { LUCIDAC, violationsOf } from '@lucihub/analog'
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
    tie('expression').map((inner) => `-${inner}`),
  ),
}))
const number = fc.double({ min: -3, max: 3, noNaN: true }).map((value) => value.toPrecision(3))
const program = fc
  .record({ x: expression, y: expression, v: expression, probe: expression, x0: number, y0: number, width: number })
  .map(
    ({ x, y, v, probe, x0, y0, width }) => `use math; let p = 1.5; let v = ${v};
      let diff[x, t, t](t) = -x(t) - 0.1 * (${x}); let diff[y, t](t) = -y(t) + 0.1 * (${y});
      let x(t: 0) = ${x0}; let y(t: 0) = ${y0}; range y = -4 - p .. 4 + (${width}) ^ 2;
      probe x(t); probe ${probe} as other;`,
  )

const PROGRAMS = (globalThis as { PROGRAMS?: number }).PROGRAMS ?? 400
/** Patience, far above what one needs. */
const PROGRAM_MS = 50

test(
  'programs with functions become sound configurations or errors that say why',
  () => {
    let compiled = 0
    let slowestMs = 0
    fc.assert(
      fc.property(program, (source) => {
        const begun = performance.now()
        const { diagnostics, result } = compile(source, { device: LUCIDAC, opTimeNs: 200_000 })
        slowestMs = Math.max(slowestMs, performance.now() - begun)
        expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(result === null)
        expect(diagnostics.every(({ message }) => message !== '' && !/NaN|undefined|null/.test(message))).toBe(true)
        if (!result) return
        compiled++
        expect(violationsOf(result.configuration, LUCIDAC)).toEqual([])
      }),
      { seed: 20_253, numRuns: PROGRAMS },
    )
    expect(compiled).toBeGreaterThan(PROGRAMS / 10)
    if (PROGRAMS > 400)
      process.stdout.write(`${PROGRAMS} programs: ${compiled} compiled, the slowest in ${slowestMs.toFixed(0)} ms\n`)
  },
  20_000 + PROGRAMS * PROGRAM_MS,
)
