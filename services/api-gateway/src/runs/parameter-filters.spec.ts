import { parameterFilters } from './parameter-filters.ts'

test.each([
  ['2', { text: '2' }],
  ['fast', { text: 'fast' }],
  ['1..2.5', { minimum: 1, maximum: 2.5 }],
  ['-1e-3..', { minimum: -0.001 }],
  ['..4', { maximum: 4 }],
  ['..', { text: '..' }],
  ['1..x', { text: '1..x' }],
])('param.a.b[0]=%s', (value, expected) => {
  expect(parameterFilters({ 'param.a.b[0]': value, state: ['QUEUED'] })).toEqual([{ path: 'a.b[0]', ...expected }])
})

test('a parameter is named, and given once', () => {
  for (const query of [{ 'param.': '1' }, { 'param.a': ['1', '2'] }])
    expect(() => parameterFilters(query)).toThrow('A parameter is named and given once.')
})
