import { solve, type Solution } from './solve.ts'

function solutionOf(source: string, problemTime = { t0: 0, dt: 0.5, count: 21 }): Solution {
  const solution = solve(source, { problemTime })
  if ('diagnostics' in solution) throw new Error(solution.diagnostics.map(({ message }) => message).join('\n'))
  return solution
}

/** Compares every probe with a formula at t = 0, 0.5 … 10. */
function check(source: string, formulas: Readonly<Record<string, (t: number) => number>>): void {
  const { labels, values } = solutionOf(source)
  expect(labels).toEqual(Object.keys(formulas))
  Object.values(formulas).forEach((formula, probe) => {
    values[probe]!.forEach((value, k) => expect(value).toBeCloseTo(formula(k * 0.5), 7))
  })
}

test('an oscillator swings as sine and cosine do; initial values of derivatives count', () => {
  check(
    'let w = 2; let diff[x, t, t](t) = -w^2 * x(t); let x(t: 0) = 1; let diff[x, t](t: 0) = -2 * w; probe x(t); probe diff[x, t](t); probe diff[x, t, t](t) as force;',
    {
      x: (t) => Math.cos(2 * t) - 2 * Math.sin(2 * t),
      'diff[x, t]': (t) => -2 * Math.sin(2 * t) - 4 * Math.cos(2 * t),
      force: (t) => -4 * (Math.cos(2 * t) - 2 * Math.sin(2 * t)),
    },
  )
})

test('functions, division and time itself are computed as such', () => {
  check(
    'use math; let diff[x, t](t) = -2 * t * x(t) ^ 2; let x(t: 0) = 1; probe x(t); probe exp(-t) / pi + sqrt(x(t)) as mixed;',
    {
      x: (t) => 1 / (1 + t * t),
      mixed: (t) => Math.exp(-t) / Math.PI + Math.sqrt(1 / (1 + t * t)),
    },
  )
})

test('every function and power is that of mathematics', () => {
  check(
    'use math; let x = 1 + t / 2; probe log(x); probe tan(x / 10) as tan; probe tanh(x) as tanh; probe sinh(x) - cosh(x) as e; probe atan(x) as atan; probe x ^ -1.5 as p; probe 2 ^ x as q; probe pow(x, x / 5) as r; probe abs(3 - x) * sign(3 - x) as s;',
    {
      'log(x)': (t) => Math.log(1 + t / 2),
      tan: (t) => Math.tan((1 + t / 2) / 10),
      tanh: (t) => Math.tanh(1 + t / 2),
      e: (t) => -Math.exp(-1 - t / 2),
      atan: (t) => Math.atan(1 + t / 2),
      p: (t) => 1 / Math.sqrt(1 + t / 2) ** 3,
      q: (t) => 2 * Math.sqrt(2) ** t,
      r: (t) => (1 + t / 2) ** (0.2 + t / 10),
      s: (t) => 2 - t / 2,
    },
  )
})

test('operators bind as in mathematics', () => {
  check(
    'let diff[x, t](t) = 1; probe x + 1 - 2 * 3 ^ 2 / 4 - -x ^ 2 + (x - 1) * -2 as y; probe -x ^ 2 as z; probe 2 * x ^ 0 * x as w;',
    {
      y: (t) => t + 1 - 4.5 + t * t + (t - 1) * -2,
      z: (t) => -(t * t),
      w: (t) => 2 * t,
    },
  )
})

test('a grid may begin later than the initial values', () => {
  const { values } = solutionOf('let diff[x, t](t) = -x(t); let x(t: 0) = 1; probe x;', { t0: 3, dt: 1, count: 2 })
  expect(values[0]![0]).toBeCloseTo(Math.exp(-3), 9)
  expect(values[0]![1]).toBeCloseTo(Math.exp(-4), 9)
})

test('the order of statements, comments and the name of time do not matter', () => {
  const { labels, values } = solutionOf(
    'probe y; # first\nlet y(s) = k * x(s); // then\nlet k = 3; let x(s: 0) = 1; let diff[x, s](s) = -x;',
  )
  expect(labels).toEqual(['y'])
  expect(values[0]![2]).toBeCloseTo(3 * Math.exp(-1), 8)
})

test('a program that cannot be solved says why', () => {
  const solved = (source: string) => solve(source, { problemTime: { t0: 0, dt: 1, count: 11 } })
  expect(solved('probe x')).toMatchObject({ diagnostics: [{ code: 'ANA0002' }] })
  expect(solved('probe x;')).toMatchObject({ diagnostics: [{ code: 'ANA0101' }] })
  expect(solved('use math; let diff[x, t](t) = -1 / sqrt(x); let x(t: 0) = 1; probe x;')).toMatchObject({
    diagnostics: [{ code: 'ANA0406', message: 'a function leaves its domain at problem time 0.6667' }],
  })
  expect(solved('let diff[x, t](t) = x ^ 2; let x(t: 0) = 1; probe x;')).toMatchObject({
    diagnostics: [{ code: 'ANA0401', message: 'the solution leaves every bound at problem time 1' }],
  })
})

test('an external input without a signal is 0, and one with a signal is what it says', () => {
  const options = { problemTime: { t0: 0, dt: 1, count: 3 } }
  expect(solve('in u; probe u;', options)).toMatchObject({ values: [new Float64Array([0, 0, 0])] })
  const inputs = { u: (t: number) => t ** 2 }
  expect(solve('in u; probe u;', { ...options, inputs })).toMatchObject({ values: [new Float64Array([0, 1, 4])] })
})
