import { parse } from './parse.ts'

/** A tree as text: every operation in parentheses, ranges left out. */
function shown(source: string): string {
  const { value, issues } = parse(source)
  expect(issues).toEqual([])
  return JSON.stringify(value?.statements, (key, part: unknown) => {
    if (key === 'range') return undefined
    if (typeof part === 'object' && part !== null && 'name' in part && 'from' in part) return part.name
    return part
  })
}

test('the program text known from the vendor is read', () => {
  const { value, issues } = parse(`
    use math;
    in isin;
    in icos;
    probe h(t);
    probe square;
    let diff[h, t, t](t) = -h(t);
    let square = 0.8 * (icos * h(t) - diff[h, t](t) * isin);
    let h(t: 0) = 1.0;
    let q(t) = a + q(t) * (1.0 - b(t));
  `)
  expect(issues).toEqual([])
  expect(value?.statements.map(({ kind }) => kind)).toEqual([
    'use',
    'input',
    'input',
    'probe',
    'probe',
    'definition',
    'definition',
    'definition',
    'definition',
  ])
})

test.each([
  ['use math;', '[{"kind":"use","module":"math"}]'],
  ['probe x as y;', '[{"kind":"probe","value":{"kind":"name","name":"x"},"label":"y"}]'],
  [
    'probe a + b - c;',
    '[{"kind":"probe","value":{"kind":"sum","terms":[{"sign":1,"value":{"kind":"name","name":"a"}},{"sign":1,"value":{"kind":"name","name":"b"}},{"sign":-1,"value":{"kind":"name","name":"c"}}]},"label":null}]',
  ],
  [
    'probe -x^2;',
    '[{"kind":"probe","value":{"kind":"negation","operand":{"kind":"power","base":{"kind":"name","name":"x"},"exponent":{"kind":"number","value":2}}},"label":null}]',
  ],
  [
    'probe a / +.5e1;',
    '[{"kind":"probe","value":{"kind":"product","factors":[{"operator":"*","value":{"kind":"name","name":"a"}},{"operator":"/","value":{"kind":"number","value":5}}]},"label":null}]',
  ],
  [
    'range x(t) = -20 .. 2 * a;',
    '[{"kind":"range","target":{"kind":"signal","name":"x","time":{"from":7,"to":10,"variable":"t","instant":null}},"from":{"kind":"negation","operand":{"kind":"number","value":20}},"to":{"kind":"product","factors":[{"operator":"*","value":{"kind":"number","value":2}},{"operator":"*","value":{"kind":"name","name":"a"}}]}}]',
  ],
  [
    'let range = range(t) ^ -n;',
    '[{"kind":"definition","target":{"kind":"signal","name":"range","time":null},"value":{"kind":"power","base":{"kind":"call","name":"range","arguments":[{"kind":"name","name":"t"}]},"exponent":{"kind":"negation","operand":{"kind":"name","name":"n"}}}}]',
  ],
  [
    'let Δφ(t: -0.5) = 1;',
    '[{"kind":"definition","target":{"kind":"signal","name":"Δφ","time":{"from":6,"to":15,"variable":"t","instant":-0.5}},"value":{"kind":"number","value":1}}]',
  ],
  [
    'let diff[x, t](t) = f(1, t);',
    '[{"kind":"definition","target":{"kind":"derivative","name":"x","variables":["t"],"time":{"from":14,"to":17,"variable":"t","instant":null}},"value":{"kind":"call","name":"f","arguments":[{"kind":"number","value":1},{"kind":"name","name":"t"}]}}]',
  ],
  ['probe diff /* no */', null],
])('%s', (source, expected) => {
  if (expected === null)
    expect(parse(source)).toMatchObject({ value: { statements: [], broken: source }, issues: [{ code: 'ANA0002' }] })
  else expect(shown(source)).toBe(expected)
})
