import { pageNumbers } from './page-numbers.ts'

test.each([
  ['0-1,3', [0, 1, 3]],
  ['3,1-2,2', [1, 2, 3]],
  ['7', []],
])('YP-40 %s selects pages %j, always in their order', (text, expected) =>
  expect([0, 1, 2, 3, 4].filter(pageNumbers(text))).toEqual(expected),
)

test.each(['', '1-', '-1', 'a', '1;2', '1,,2', '3-1'])('YP-40 "%s" is refused', (text) =>
  expect(() => pageNumbers(text)).toThrow(expect.objectContaining({ type: 'invalid-request' })),
)
