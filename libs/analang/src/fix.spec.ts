/** Every fix is applied: what it was for is gone, and the program means what its title says. */
import { fixed, LUCIDAC } from '@lucihub/analog'
import { compile } from './compile.ts'
import { renderDiagnostic } from './render.ts'

const DECAY = 'let diff[x, t](t) = -x(t); let x(t: 0) = 1;'

test.each<[code: string, source: string, title: string, after: string]>([
  ['ANA0002', 'let a = 2\nlet b = 3;', 'insert `;`', 'let a = 2;\nlet b = 3;'],
  ['ANA0002', `${DECAY} probe x(t)`, 'insert `;`', `${DECAY} probe x(t);`],
  ['ANA0002', `${DECAY} probe x(t) ** 2;`, 'write `^`', `${DECAY} probe x(t) ^ 2;`],
  ['ANA0002', `let a == 2; ${DECAY} probe a * x;`, 'write `=`', `let a = 2; ${DECAY} probe a * x;`],
  ['ANA0002', `${DECAY} probe 2 x(t);`, 'insert `*`', `${DECAY} probe 2 * x(t);`],
  [
    'ANA0101',
    `let sigma = 2; ${DECAY} probe sigm * x(t);`,
    'write `sigma`',
    `let sigma = 2; ${DECAY} probe sigma * x(t);`,
  ],
  ['ANA0101', `${DECAY} probe sin(x);`, 'add `use math;`', `use math;\n${DECAY} probe sin(x);`],
  ['ANA0104', `use maths; ${DECAY} probe x;`, 'write `math`', `use math; ${DECAY} probe x;`],
  ['ANA0105', `${DECAY} probe x(t - 1);`, 'write `t`', `${DECAY} probe x(t);`],
  ['ANA0106', `${DECAY} probe diff[x](t);`, 'insert `, t`', `${DECAY} probe diff[x, t](t);`],
  ['ANA0106', `${DECAY} probe diff[x, y](t);`, 'write `t`', `${DECAY} probe diff[x, t](t);`],
  ['ANA0111', DECAY, 'add `probe x(t);`', `${DECAY}\nprobe x(t);\n`],
  ['ANA0114', `${DECAY} let y(s) = 2 * x; probe y;`, 'write `t`', `${DECAY} let y(t) = 2 * x; probe y;`],
  [
    'ANA0118',
    `${DECAY} let diff[y, t](t) = x(t); probe x;`,
    'add `probe y;`',
    `${DECAY} let diff[y, t](t) = x(t); probe x;\nprobe y;\n`,
  ],
  ['ANA0119', `${DECAY} probe x; range x = 2 .. -1;`, 'write `-1 .. 2`', `${DECAY} probe x; range x = -1 .. 2;`],
  ['ANA0121', `${DECAY} probe x; range x = -1 .. 0.5;`, 'write `-1 .. 1`', `${DECAY} probe x; range x = -1 .. 1;`],
  [
    'ANA0210',
    'let diff[x, t](t) = 1 / x(t); probe x;',
    'add `let x(t: 0) = 1;`',
    'let diff[x, t](t) = 1 / x(t); probe x;\nlet x(t: 0) = 1;\n',
  ],
])('%s in %j: %s', (code, source, title, after) => {
  const options = { device: LUCIDAC, opTimeNs: 100_000 }
  const fix = compile(source, options).diagnostics.find((one) => one.code === code)?.fix
  if (!fix) throw new Error('there is no fix')
  expect(fix.title).toBe(title)
  expect(fixed(source, fix)).toBe(after)
  expect(compile(after, options).diagnostics.filter((one) => one.code === code)).toEqual([])
})

test.each([
  ['ANA0101', `${DECAY} probe gamma * x;`],
  ['ANA0112', `let a = 2; ${DECAY} probe a;`],
  ['ANA0118', `let a = 2; ${DECAY} probe x;`],
  ['ANA0210', 'let diff[x, t](t) = 1 / x(t); let x(t: 0) = 0; probe x;'],
])('%s in %j is left to people', (code, source) => {
  const found = compile(source, { device: LUCIDAC, opTimeNs: 100_000 }).diagnostics.find((one) => one.code === code)
  expect(found).toBeDefined()
  expect(found).not.toHaveProperty('fix')
})

test('a fix is shown as the line it makes', () => {
  const source = `let sigma = 2;\n${DECAY}\nprobe sigm * x(t);\n`
  const [diagnostic] = compile(source, { device: LUCIDAC, opTimeNs: 100_000 }).diagnostics
  expect(diagnostic && renderDiagnostic(source, diagnostic, 'decay.ana')).toBe(
    [
      'error[ANA0101]: `sigm` is not defined',
      ' --> decay.ana:3:7',
      '  |',
      '3 | probe sigm * x(t);',
      '  |       ^^^^',
      '  = hint: did you mean `sigma`?',
      '  = fix: write `sigma`',
      '  |',
      '3 + probe sigma * x(t);',
    ].join('\n'),
  )
})

test('a fix that adds a statement is shown as that statement', () => {
  const [diagnostic] = compile(DECAY, { device: LUCIDAC, opTimeNs: 100_000 }).diagnostics
  expect(diagnostic && renderDiagnostic(DECAY, diagnostic, 'decay.ana').split('\n').slice(-3)).toEqual([
    '  = fix: add `probe x(t);`',
    '  |',
    '2 + probe x(t);',
  ])
})
