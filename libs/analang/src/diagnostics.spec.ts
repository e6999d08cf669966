import { LUCIDAC, MREDAC } from '@lucihub/analog'
import { compile, type CompileOptions } from './compile.ts'
import { DIAGNOSTICS } from './diagnostics.ts'
import { renderDiagnostic } from './render.ts'
import { solve } from './solve.ts'

/** A sound program to add a mistake to. */
const DECAY = 'let diff[x, t](t) = -x(t); let x(t: 0) = 1; probe x(t);'

function repeat(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join(' ')
}

/** Each diagnostic as code, place and message, and its hint in brackets. */
function said(source: string, options: Partial<CompileOptions> = {}): string[] {
  const { diagnostics } = compile(source, { device: LUCIDAC, opTimeNs: 10_000_000, ...options })
  return diagnostics.map(
    ({ code, span, message, hint }) =>
      `${code} ${span ? `${source.slice(span.from, span.to).slice(0, 30)}: ` : ''}${message}${hint && ` [${hint}]`}`,
  )
}

type Case = readonly [source: string, expected: readonly string[], options?: Partial<CompileOptions>]

const LIMITS: readonly Case[] = [
  [' '.repeat(65_537), ['ANA0001 the program has more than 65536 bytes']],
  [`let a = 1${'+1'.repeat(20_000)};`, ['ANA0003 1: the program has more than 20000 names, numbers and operations']],
  [
    `let a = ${'('.repeat(65)}1${')'.repeat(65)};`,
    ['ANA0004 (: the expression is nested more than 64 deep [give a part of it a name with `let`]'],
  ],
  [
    `let a = ${'-'.repeat(66)}1;`,
    ['ANA0004 -1: the expression is nested more than 64 deep [give a part of it a name with `let`]'],
  ],
  [`let ${'a'.repeat(65)} = 1; ${DECAY}`, [`ANA0005 ${'a'.repeat(30)}: the name has 65 characters, more than 64`]],
  ['probe 1e999 * x;', ['ANA0006 1e999: the number `1e999` is out of range']],
]

const SYNTAX: readonly Case[] = [
  ['let x = 1\nlet y = 2;', ['ANA0002 1: expected `;` after this, found `let`']],
  ['probe x(t)  # the end\n', ['ANA0002 ): expected `;` after this, found the end of the program']],
  ['let', ['ANA0002 : expected a name, found the end of the program']],
  ['let x = (1 + ;', ['ANA0002 ;: expected a value, found `;`']],
  ['let x = (1;', ['ANA0002 ;: expected `)` or an operator, found `;`']],
  ['let x = sin(1;', ['ANA0002 ;: expected `)`, `,` or an operator, found `;`']],
  ['let x = 2 y;', ['ANA0002 y: expected `;` or an operator, found `y` [products are written with `*`]']],
  ['let x = 3x;', ['ANA0002 x: expected `;` or an operator, found `x` [products are written with `*`]']],
  ['let x = 1.2.3;', ['ANA0002 .3: expected `;` or an operator, found `.3`']],
  ['let x = a $ b;', ['ANA0002 $: expected `;` or an operator, found `$`']],
  ['let x = y**2;', ['ANA0002 *: expected a value, found `*` [a power is written `x ^ 2`]']],
  ['let x = y^2^3;', ['ANA0002 ^: expected `;` or an operator, found `^` [write `(x ^ 2) ^ 3`, powers do not chain]']],
  ['let x == 3;', ['ANA0002 =: expected a value, found `=` [a definition has a single `=`]']],
  ["let x' = 2;", ["ANA0002 ': expected `=` or `(`, found `'` [a derivative is written `diff[x, t](t)`]"]],
  ['let diff[x t](t) = 1;', ['ANA0002 t: expected `]` or `,`, found `t`']],
  ['let diff[x, t] = 3;', ['ANA0002 =: expected `(`, found `=`']],
  ['let x(t: a) = 1;', ['ANA0002 a: expected a number, found `a`']],
  ['let in = 3;', ['ANA0002 in: expected a name, found `in` [`in` is a word of the language]']],
  ['let 3 = x;', ['ANA0002 3: expected a name, found `3`']],
  ['range x = -1..1;', ['ANA0002 .1: expected `..` or an operator, found `.1` [put spaces around `..`]']],
  ['probe x as ;', ['ANA0002 ;: expected a name, found `;`']],
  ['let x = \u{0};', ['ANA0002 \u{0}: expected a value, found the character U+0000']],
  [
    'foo = 3;',
    ['ANA0002 foo: expected a statement, found `foo` [a statement begins with `let`, `probe`, `range`, `in` or `use`]'],
  ],
  [
    'let x = ; # one; two\nlet y = ;\nprobe x;',
    ['ANA0002 ;: expected a value, found `;`', 'ANA0002 ;: expected a value, found `;`'],
  ],
]

const NAMES: readonly Case[] = [
  ['probe y(t);', ['ANA0101 y: `y` is not defined [define it: `let y = …;`]']],
  [`${DECAY} let sigma = 2 * x; probe sigm;`, ['ANA0101 sigm: `sigm` is not defined [did you mean `sigma`?]']],
  [`${DECAY} probe sin(x);`, ['ANA0101 sin: `sin` is not defined [add `use math;`]']],
  [`use math; ${DECAY} probe sin * x;`, ['ANA0101 sin: `sin` is not defined [`sin` is a function: write `sin(…)`]']],
  [`${DECAY} let x = 3;`, ['ANA0102 x: `x` is defined twice [rename one of the two]']],
  [`${DECAY} let x(t: 0) = 2;`, ['ANA0102 x(t: 0): the initial value of `x` is defined twice [remove one of the two]']],
  [
    'let q(t) = a + q(t) * (1.0 - b(t)); let a = 1; let b(t) = 2; probe q;',
    [
      'ANA0103 q(t): `q` depends on itself: q → q [a loop needs an integrator: give one of them a differential equation]',
    ],
  ],
  [
    'let a = b; let b = c; let c = a; probe a;',
    [
      'ANA0103 a: `a` depends on itself: a → b → c → a [a loop needs an integrator: give one of them a differential equation]',
    ],
  ],
  [`use maths; ${DECAY}`, ['ANA0104 maths: there is no module `maths` [the only module is `math`]']],
  [`${DECAY} probe x(t - 1) as late;`, ['ANA0105 x(t - 1): `x` is a function of time `t` only [write `(t)`]']],
  [
    'let diff[x](t) = -x(t); probe x;',
    ['ANA0106 x: the derivative does not say with respect to what [write `diff[x, t]`]'],
  ],
  [
    'let diff[x, s](t) = -x(t); probe x;',
    ['ANA0106 s: the derivative is with respect to `s`, but time is `t` [derive with respect to time only]'],
  ],
  [
    `let diff[x, ${repeat(65, () => 't').replaceAll(' ', ', ')}](t) = 1; probe x;`,
    [`ANA0106 x, ${repeat(9, () => 't').replaceAll(' ', ', ')}, : the derivative has order 65, more than 64`],
  ],
  [
    `${DECAY} probe diff[x, t, t](t);`,
    ['ANA0107 diff[x, t, t](t): the equation of `x` has order 1, so its derivative of order 2 is not known'],
  ],
  [
    `${DECAY} let a = 2 * x; probe diff[a, t](t);`,
    [
      'ANA0107 diff[a, t](t): `a` has no differential equation, so its derivative is not known [derive the expression by hand]',
    ],
  ],
  [
    'let diff[x, t](t) = 1; let x(t: -1) = 1; probe x;',
    ['ANA0108 (t: -1): the initial value is given at t = -1 [write `t: 0`]'],
  ],
  [
    `${DECAY} let y(t: 0) = 1;`,
    [
      'ANA0109 y(t: 0): `y` has no differential equation, so it has no initial value [give `diff[y, t](t)` an equation]',
    ],
  ],
  [
    `${DECAY} let diff[x, t](t: 0) = 1;`,
    ['ANA0109 diff[x, t](t: 0): the equation of `x` has order 1, so `diff[x, t]` has no initial value'],
  ],
  [
    'let diff[x, t](t) = 1; let x(t: 0) = 2 * x(t); probe x;',
    ['ANA0110 2 * x(t): the initial value of `x` depends on time [use numbers and parameters only]'],
  ],
  ['let diff[x, t](t) = 1;', ['ANA0111 the program probes nothing [add `probe x(t);`]']],
  ['# nothing', ['ANA0111 the program probes nothing [add a `probe`]']],
  [`${DECAY} let a = 1; probe a;`, ['ANA0112 a: the probe `a` does not depend on time']],
  [`${DECAY} probe x - x;`, ['ANA0112 x - x: the probe `x - x` does not depend on time']],
  [
    `${DECAY} probe 2 * x as x;`,
    ['ANA0113 x: the label `x` is used twice [give one of the probes another: `probe … as other;`]'],
  ],
  [`${DECAY} let y(s) = 3;`, ['ANA0114 s: time is `t` in other equations, but `s` here [write `t`]']],
  [`use math; ${DECAY} probe sin(x, x);`, ['ANA0115 sin(x, x): `sin` takes 1 argument, not 2']],
  [`use math; ${DECAY} let sin = 3;`, ['ANA0116 sin: `sin` is part of module math and cannot be defined']],
  [`${DECAY} let t = 3;`, ['ANA0116 t: `t` is the time variable and cannot be defined']],
  [`${DECAY} probe x ^ 65;`, ['ANA0117 65: the exponent is not between -64 and 64']],
  [
    `${DECAY} let diff[y, t](t) = -y(t); let z = 2;`,
    [
      'ANA0118 diff[y, t](t): no probe depends on `y`; it is left out',
      'ANA0118 z: no probe depends on `z`; it is left out',
    ],
  ],
  [
    `${DECAY} range x(t) = 1 .. -1;`,
    ['ANA0119 x(t): the range of `x(t)` goes from 1 to -1 [write the smaller bound first]'],
  ],
  [
    `${DECAY} range x = 0 .. x;`,
    ['ANA0119 x: a bound of the range of `x` depends on time [use numbers and parameters only]'],
  ],
  [
    `${DECAY} let y(t) = x(t) - x(t) ^ 2; range y(t) = 0 .. 1;`,
    ['ANA0118 y(t): no probe depends on `y`; it is left out'],
  ],
  [
    `${DECAY} let y(t) = x(t) - x(t) ^ 2; probe 2 * y; range y(t) = 0 .. 1;`,
    [
      'ANA0120 y(t): the range of `y(t)` has no effect: no element computes it alone [give ranges to variables, functions and probes]',
    ],
    { opTimeNs: 1_000_000 },
  ],
  [`${DECAY} range wide = 0 .. 1;`, ['ANA0101 wide: `wide` is not defined [define it: `let wide = …;`]']],
  [`${DECAY} range x(t) = -0.5 .. 0.5;`, ['ANA0121 x(t): `x(t)` starts at 1, outside its range']],
]

const FUNCTIONS: readonly Case[] = [
  [
    `use math; ${DECAY} probe abs(x(t)); probe sign(x);`,
    [
      'ANA0201 abs(x(t)): no element of the machine computes `abs` of a signal [a smooth stand-in is `sqrt(x^2 + 0.01)`]',
      'ANA0201 sign(x): no element of the machine computes `sign` of a signal [a smooth stand-in is `tanh(10 * x)`]',
    ],
  ],
  [`${DECAY} probe x / (1 - 1);`, ['ANA0203 1 - 1: the divisor is zero']],
  [
    'let diff[x, t](t) = y; let diff[y, t](t) = z; let diff[z, t](t) = x; probe (x + y + z + 1) ^ 64;',
    ['ANA0204 (x + y + z + 1) ^ 64: multiplied out, this expression has too many terms'],
  ],
  [
    `${DECAY} probe x * 1e200 * 1e200;`,
    ['ANA0205 x * 1e200 * 1e200: a constant of this expression is not a finite number'],
  ],
  [
    `in u; in v(t); ${DECAY} probe u * x; probe u + v;`,
    ['ANA0206 u: the program has 2 external inputs, the device has 0 ports [a LUCIDAC has room for it]'],
    { device: MREDAC },
  ],
  [
    `${DECAY} probe x ^ 64 * x;`,
    ['ANA0208 x ^ 64 * x: multiplied out, this expression has a product of more than 64 factors'],
  ],
  [
    `use math; in u; ${DECAY} let v = 2 * u; probe x + sin(v);`,
    [
      'ANA0209 sin(v): `sin` of an external input: the derivative of the input is not known, so no equation can follow it [apply the function before the signal enters the machine]',
    ],
  ],
  [
    'use math; let diff[x, t](t) = -x(t); probe log(x); probe x ^ -2; probe sqrt(x - 1); probe (-2) ^ x;',
    [
      'ANA0210 log(x): the logarithm of `x` is not defined at t = 0, where it is 0 [choose other initial values]',
      'ANA0210 sqrt(x - 1): `sqrt(x - 1)` is not defined at t = 0, where `x - 1` is -1 [choose other initial values]',
      'ANA0210 -2: only a positive number has powers that change with time, not -2',
    ],
  ],
  [
    `use math; ${DECAY} probe exp(1000 * x);`,
    ['ANA0205 exp(1000 * x): the initial value of `exp(1000*x)` is not a finite number'],
  ],
]

const PRODUCTS_HINT =
  '[products are shared only where they are written out alike; fewer different ones take fewer multipliers; an mREDAC has room for it]'
const LANES_HINT =
  '[each term takes a lane, each product two, and a weight too large for one lane several; an mREDAC has room for it]'

const MACHINE: readonly Case[] = [
  [
    repeat(9, (i) => `let diff[x${i}, t](t) = -x${i}(t); probe x${i};`),
    [
      'ANA0301 the circuit needs 9 integrators, the device has 8 [each order of each differential equation takes one; a REDAC of seven carriers has room for it]',
      'ANA0301 the circuit needs 9 ADC channels, the device has 8 [probe fewer signals; a REDAC of seven carriers has room for it]',
    ],
  ],
  [`${DECAY} probe x^5 + x^7 + x^11;`, [`ANA0301 the circuit needs 5 multipliers, the device has 4 ${PRODUCTS_HINT}`]],
  [
    `${DECAY} probe x + x^2; probe x + x^3; probe x + x^4;`,
    [
      'ANA0301 the circuit needs 3 identities, the device has 2 beside its multipliers [each external input and each probe of a sum takes one: probe the parts, and add them up afterwards; an mREDAC has room for it]',
    ],
  ],
  [
    DECAY,
    [
      'ANA0301 the circuit needs 1 integrators, the device has 0 [each order of each differential equation takes one; a LUCIDAC has room for it]',
    ],
    { device: { ...LUCIDAC, carriers: [] } },
  ],
  [
    repeat(8, (i) => `let diff[x${i}, t](t) = x0 + x1 + x2 + x3 + x4; probe x${i};`),
    [`ANA0302 the circuit needs 40 lanes, the device has 32 ${LANES_HINT}`],
  ],
  [DECAY, ['ANA0303 the op time is 0 ns, not between 100 and 9000000000 ns'], { opTimeNs: 0 }],
  [
    DECAY,
    ['ANA0304 the device has no k0 = 100 [it offers 10000]'],
    { k0: 100, device: { ...LUCIDAC, integratorRates: [10_000] } },
  ],
  [
    'let diff[x, t](t) = x(t); let x(t: 0) = 1; probe x;',
    [
      'ANA0401 diff[x, t](t): `x` leaves every bound at problem time 27.81; the run would last until 100 [run for less than 2.781 ms of op time, or look for a wrong sign]',
    ],
  ],
  [
    'let diff[x, t](t) = -x(t); let x(t: 0) = 1e-164; probe (1 / x) ^ 2;',
    [
      'ANA0401 `(1/x)^2` leaves every bound at problem time 0; the run would last until 100 [run for less than 0 ms of op time, or look for a wrong sign]',
    ],
  ],
  [
    'let diff[x, t](t) = x(t) ^ 2; let x(t: 0) = 1; probe x;',
    [
      'ANA0401 diff[x, t](t): `x` leaves every bound at problem time 1; the run would last until 100 [run for less than 0.1 ms of op time, or look for a wrong sign]',
    ],
  ],
  [
    'let diff[x, t](t) = 300 * y(t); let diff[y, t](t) = -300 * x(t); let x(t: 0) = 1; probe x(t);',
    [
      'ANA0403 problem time passes at 2000 units per second instead of 10000: the coefficients are large [the run covers a shorter stretch of problem time; give it a longer op time]',
    ],
  ],
  [
    'let diff[x, t](t) = -1e-9 * x(t); let x(t: 0) = 1; probe x;',
    [
      'ANA0404 diff[x, t](t): the weight of `x` in `x` is 1e-9, below the step of a coefficient [variables of very different size or pace do not share a machine well]',
    ],
  ],
  [
    'let diff[x, t](t) = -1; let x(t: 0) = 4; probe 1 / x as w;',
    [
      'ANA0406 x: `1/x` has no value at problem time 4, where `x` reaches zero; the run would last until 100 [run for less than 0.4 ms of op time, or choose other initial values]',
    ],
  ],
  [
    'use math; let diff[x, t](t) = -sqrt(x); let x(t: 0) = 4; probe x;',
    [
      'ANA0406 sqrt(x): `sqrt(x)` has no value at problem time 4, where `x` reaches zero; the run would last until 100 [run for less than 0.4 ms of op time, or choose other initial values]',
    ],
  ],
  [
    'use math; let diff[x, t](t) = 1; probe tan(x);',
    [
      'ANA0406 tan(x): `tan(x)` has no value at problem time 1.571, where the tangent has a pole; the run would last until 100 [run for less than 0.1571 ms of op time, or choose other initial values]',
    ],
  ],
  [
    'let diff[x, t, t](t) = -x(t); let x(t: 0) = 1; let diff[x, t](t: 0) = 1; probe x; range x = -1 .. 1.2;',
    ['ANA0407 diff[x, t, t](t): `x` reaches 1.414, beyond its range of ±1.2 [widen the range, or leave it out]'],
  ],
  [
    'let diff[x, t, t](t) = -x(t); let x(t: 0) = 1; probe x; range x = -50 .. 50;',
    [
      'ANA0408 x: `x` uses 2 % of full scale [its scale follows from a wide range, or from large terms that nearly cancel]',
    ],
  ],
  [
    'in u; let diff[x, t](t) = u * x * x; let x(t: 0) = 0.5; probe x;',
    [
      'ANA0409 with the external inputs at full scale all the time the solution leaves every bound [keep the inputs small or short, or give the inputs a narrower range]',
    ],
  ],
]

const CASES = [...LIMITS, ...SYNTAX, ...NAMES, ...FUNCTIONS, ...MACHINE]

test.each(CASES.map(([source, expected, options]) => ({ source, expected, options })))(
  'case $#',
  ({ source, expected, options }) => {
    expect(said(source, options)).toEqual(expected)
  },
)

test('a solution too long to follow scales by what was seen, with a warning', () => {
  const fast = 'let diff[x, t, t](t) = -16 * x(t); let x(t: 0) = 1; probe x;'
  expect(said(fast, { opTimeNs: 9_000_000_000 })).toEqual([
    expect.stringMatching(
      /^ANA0402 the digital solution was followed to problem time \d+(\.\d+)?; the run lasts until 90000 \[watch for overload in the rest of the run\]$/,
    ),
  ])
})

test('the direct solution says when it gives up', () => {
  const solution = solve('let diff[x, t, t](t) = -x(t); let x(t: 0) = 1; probe x;', {
    problemTime: { t0: 0, dt: 1e7, count: 2 },
  })
  expect(solution).toEqual({
    diagnostics: [
      {
        code: 'ANA0405',
        severity: 'error',
        span: null,
        hint: '',
        message: expect.stringMatching(
          /^the digital solution takes too many steps; it got to problem time \d/,
        ) as string,
      },
    ],
  })
})

test('every code has a case', () => {
  const shown = new Set([
    ...CASES.flatMap(([, expected]) => expected.map((text) => text.slice(0, 7))),
    'ANA0402',
    'ANA0405',
  ])
  expect([...shown].sort()).toEqual(Object.keys(DIAGNOSTICS))
})

test('mistakes in other statements are said beside those that do not parse', () => {
  expect(
    said('let a = ;\nlet diff[x, t](t) = a + c - b(t);\nlet b = $;\nlet diff[x, t, t](t: 1) = ;\nprobe x(t - 1);'),
  ).toEqual([
    'ANA0002 ;: expected a value, found `;`',
    'ANA0101 c: `c` is not defined [define it: `let c = …;`]',
    'ANA0002 $: expected a value, found `$`',
    'ANA0002 ;: expected a value, found `;`',
    'ANA0105 x(t - 1): `x` is a function of time `t` only [write `(t)`]',
  ])
})

test('at most fifty diagnostics are given', () => {
  expect(said(repeat(100, (i) => `probe a${i};`))).toHaveLength(50)
})

test.each([
  ['parentheses', '('.repeat(100_000)],
  ['signs', `let a = ${'-'.repeat(60_000)}1;`],
  ['statements', '$;'.repeat(30_000)],
  ['brackets without end', `let a = ${'[('.repeat(30_000)}`],
  ['unfinished definitions', 'let x='.repeat(10_000)],
  ['a long chain of definitions', `${repeat(3_500, (i) => `let a${i}=a${i + 1};`)} let diff[a3500,t](t)=1; probe a0;`],
  [
    'definitions that double',
    `${repeat(500, (i) => `let a${i}=a${i + 1}*a${i + 1}+a${i + 1};`)} let diff[a500,t](t)=1; probe a0;`,
  ],
])('a flood of %s is answered', (_name, source) => {
  const { diagnostics, result } = compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 })
  expect(result === null).toBe(diagnostics.length > 0)
})

test('a diagnostic is shown with its line, underlined, and its hint', () => {
  const source = 'let a = 1;\n\tlet b = 2 * sigm; # here\nlet sigma = 3;'
  const [diagnostic] = compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 }).diagnostics
  expect(renderDiagnostic(source, diagnostic!, 'lorenz.ana')).toBe(
    [
      'error[ANA0101]: `sigm` is not defined',
      ' --> lorenz.ana:2:14',
      '  |',
      '2 | \tlet b = 2 * sigm; # here',
      '  | \t            ^^^^',
      '  = hint: did you mean `sigma`?',
      '  = fix: write `sigma`',
      '  |',
      '2 + \tlet b = 2 * sigma; # here',
    ].join('\n'),
  )
})

test('an excerpt of a long line is a window, and nothing in it reaches the terminal as a command', () => {
  const source = `let a = ${'1 + '.repeat(40)}\u{1b}${' + 1'.repeat(40)};`
  const [diagnostic] = compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 }).diagnostics
  expect(renderDiagnostic(source, diagnostic!)).toBe(
    [
      'error[ANA0002]: expected a value, found the character U+001B',
      ' --> program.ana:1:169',
      '  |',
      `1 | …${'1 + '.repeat(10)}\u{fffd}${' + 1'.repeat(14)} + …`,
      `  |  ${' '.repeat(40)}^`,
    ].join('\n'),
  )
})

test('a diagnostic of the whole program is shown without an excerpt', () => {
  const [diagnostic] = compile('', { device: LUCIDAC, opTimeNs: 1_000_000 }).diagnostics
  expect(renderDiagnostic('', diagnostic!)).toBe(
    'error[ANA0111]: the program probes nothing\n --> program.ana\n  = hint: add a `probe`',
  )
})
