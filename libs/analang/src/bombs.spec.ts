/** Programs made to exhaust a compiler: each costs its author a diagnostic of a known kind, and nobody else anything. */
import { LUCIDAC } from '@lucihub/analog'
import { compile } from './compile.ts'
import type { DiagnosticCode } from './diagnostics.ts'

const X = 'use math; let diff[x, t](t) = -x(t); let x(t: 0) = 1;'
const XYZ = 'use math; let diff[x, t](t) = y; let diff[y, t](t) = z; let diff[z, t](t) = -x; let x(t: 0) = 1;'

function repeat(count: number, text: (index: number) => string, separator = ' '): string {
  return Array.from({ length: count }, (_, index) => text(index)).join(separator)
}

function nested(open: string, depth: number, inner: string, close = ')'): string {
  return `${open.repeat(depth)}${inner}${close.repeat(depth)}`
}

const BOMBS: readonly (readonly [name: string, source: string, code: DiagnosticCode])[] = [
  ['spaces without end', ' '.repeat(70_000), 'ANA0001'],
  ['letters of four bytes', '𝛑'.repeat(17_000), 'ANA0001'],
  ['parentheses', '('.repeat(60_000), 'ANA0004'],
  ['parentheses that close', `let a = ${nested('(', 30_000, '1')};`, 'ANA0004'],
  ['brackets', `let a = ${'['.repeat(60_000)}`, 'ANA0004'],
  ['brackets and parentheses', `let a = ${'[('.repeat(30_000)}`, 'ANA0004'],
  ['minus signs', `let a = ${'-'.repeat(60_000)}1;`, 'ANA0004'],
  ['plus and minus signs', `let a = ${'+-'.repeat(30_000)}1;`, 'ANA0004'],
  ['functions within functions', `${X} probe ${nested('sin(', 65, 'x')};`, 'ANA0004'],
  ['as many functions as may nest', `${X} probe ${nested('sin(', 60, 'x')};`, 'ANA0301'],
  ['exponentials within exponentials', `${X} probe ${nested('exp(', 10, 'x')};`, 'ANA0205'],
  ['roots within roots', `${X} probe ${nested('sqrt(1 + ', 40, 'x')};`, 'ANA0301'],
  ['reciprocals within reciprocals', `${X} probe ${nested('1 / (1 + ', 40, 'x')};`, 'ANA0208'],
  ['logarithms within logarithms', `${X} probe ${nested('log(9 + ', 40, 'x')};`, 'ANA0301'],
  ['powers as exponents', `${X} probe ${nested('2 ^ (', 8, 'x')};`, 'ANA0205'],
  ['powers of powers', `${X} probe ${nested('(', 10, 'x', ') ^ 7')};`, 'ANA0208'],
  ['powers of powers of constants', `let a = ${nested('(', 30, '9', ') ^ 64')}; ${X} probe a * x;`, 'ANA0205'],
  ['a huge exponent', `${X} probe x ^ 1e9;`, 'ANA0117'],
  ['a huge negative exponent', `${X} probe (2 + x) ^ -1e300;`, 'ANA0117'],
  ['a sum to a high power', `${XYZ} probe (x + y + z + 1) ^ 64;`, 'ANA0204'],
  ['a function of a sum to a high power', `${XYZ} probe sin((x + y + z + 1) ^ 40);`, 'ANA0204'],
  ['the reciprocal of a large polynomial', `${XYZ} probe 1 / (9 + (x + y + z) ^ 60);`, 'ANA0204'],
  ['products of sums', `${XYZ} probe ${repeat(40, (i) => `(x + ${i} * y + z)`, ' * ')};`, 'ANA0204'],
  [
    'definitions that double',
    `${repeat(500, (i) => `let a${i} = a${i + 1} * a${i + 1} + a${i + 1};`)} let diff[a500, t](t) = 1; probe a0;`,
    'ANA0208',
  ],
  [
    'sums that double',
    `${repeat(1_100, (i) => `let a${i} = a${i + 1} + a${i + 1};`)} let diff[a1100, t](t) = 1; probe a0;`,
    'ANA0205',
  ],
  [
    'sines that chain',
    `use math; ${repeat(2_000, (i) => `let a${i} = sin(a${i + 1});`)} let diff[a2000, t](t) = 1; probe a0;`,
    'ANA0208',
  ],
  [
    'roots that chain',
    `use math; ${repeat(1_500, (i) => `let a${i} = sqrt(1 + a${i + 1});`)} let diff[a1500, t](t) = 1; probe a0;`,
    'ANA0208',
  ],
  [
    'a tower of exponentials by name',
    `use math; ${repeat(50, (i) => `let a${i} = exp(a${i + 1});`)} let diff[a50, t](t) = 1; probe a0;`,
    'ANA0205',
  ],
  ['a long loop', `${repeat(2_000, (i) => `let a${i} = a${(i + 1) % 2_000};`)} probe a0;`, 'ANA0103'],
  ['many loops', `${repeat(1_000, (i) => `let a${i} = a${i};`)} probe a0;`, 'ANA0103'],
  [
    'a graph in which all depend on all',
    `${repeat(60, (i) => `let a${i} = ${repeat(60, (j) => `a${j}`, '+')};`)} probe a0;`,
    'ANA0103',
  ],
  ['many equations', repeat(1_500, (i) => `let diff[x${i},t](t)=1;probe x${i};`, ''), 'ANA0301'],
  [
    'equations that all depend on all',
    repeat(90, (i) => `let diff[x${i}, t](t) = ${repeat(90, (j) => `x${j}`, '+')}; probe x${i};`),
    'ANA0301',
  ],
  [
    'products of all with all',
    repeat(60, (i) => `let diff[x${i}, t](t) = ${repeat(60, (j) => `x${i}*x${j}`, '+')}; probe x${i};`),
    'ANA0301',
  ],
  [
    'triple products of all with all',
    repeat(
      24,
      (i) => `let diff[x${i}, t](t) = ${repeat(24, (j) => `x${i}*x${j}*x${(i + j) % 24}`, '+')}; probe x${i};`,
    ),
    'ANA0301',
  ],
  [
    'the cube of a sum of all',
    `${repeat(30, (i) => `let diff[x${i}, t](t) = s ^ 3;`)} let s = ${repeat(30, (i) => `x${i}`, '+')}; probe s;`,
    'ANA0204',
  ],
  ['many functions of one signal', `${X} ${repeat(1_500, (i) => `probe sin(${i}.5*x);`)}`, 'ANA0301'],
  ['many reciprocals of one signal', `${X} ${repeat(1_500, (i) => `probe 1/(${i}+x);`)}`, 'ANA0301'],
  ['many roots of many sums', `${X} ${repeat(700, (i) => `probe (${i}+x)^0.${i + 1} as p${i};`)}`, 'ANA0301'],
  [
    'a system of many neurons',
    `use math; ${repeat(40, (i) => `let diff[x${i}, t](t) = -x${i} + ${repeat(40, (j) => `tanh(x${j})`, '+')};`)} probe x0;`,
    'ANA0301',
  ],
  ['long names', `let ${'a'.repeat(60_000)} = 1; ${X} probe x;`, 'ANA0005'],
  ['many long names', repeat(800, (i) => `let ${'a'.repeat(65)}${i}=1;`, ''), 'ANA0005'],
  ['a long number', `let a = ${'9'.repeat(60_000)}; ${X} probe a * x;`, 'ANA0006'],
  ['many unknown names', `${X} probe ${repeat(9_000, (i) => `y${i}`, '+')};`, 'ANA0101'],
  ['many labels alike', `${X} ${repeat(4_000, () => 'probe x;')}`, 'ANA0113'],
  ['a derivative of high order', `let diff[x, ${repeat(20_000, () => 't', ',')}](t) = 1; probe x;`, 'ANA0106'],
  ['a program of nothing but names', `let a = ${repeat(20_001, () => '1', '+')};`, 'ANA0003'],
  ['semicolons', ';'.repeat(60_000), 'ANA0002'],
  ['statements without end', 'let x='.repeat(10_000), 'ANA0002'],
  ['nonsense in every statement', '$;'.repeat(30_000), 'ANA0002'],
  ['a comment without end', `# ${'('.repeat(60_000)}`, 'ANA0111'],
  ['an equation that explodes at once', `let diff[x, t](t) = 1e300 * x ^ 4; let x(t: 0) = 1; probe x;`, 'ANA0401'],
  ['an equation that explodes on the way', `let diff[x, t](t) = x ^ 2; let x(t: 0) = 1; probe x;`, 'ANA0401'],
  ['a pole on the way', `use math; probe tan(t);`, 'ANA0406'],
  ['ranges without end', `${X} probe x; ${repeat(2_000, () => 'range x = 1 .. 0;')}`, 'ANA0119'],
]

test.each(BOMBS)('%s', (_name, source, code) => {
  const { diagnostics, result } = compile(source, { device: LUCIDAC, opTimeNs: 1_000_000 })
  expect(result).toBeNull()
  expect(diagnostics.filter(({ severity }) => severity === 'error').map((diagnostic) => diagnostic.code)).toContain(
    code,
  )
})
