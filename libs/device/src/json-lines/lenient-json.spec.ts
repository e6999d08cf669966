import { readLenientObject } from './lenient-json.ts'

test.each<[string, object | null]>([
  ['{"type":"ping"}', { type: 'ping' }],
  ["{'type':'ping','msg':{}}", { type: 'ping', msg: {} }],
  [`{'a':"it's",'b':'say "x"','c':'it\\'s'}`, { a: "it's", b: 'say "x"', c: "it's" }],
  [`{"a":"it's"}`, { a: "it's" }],
  ["{'a':'b", null],
  ['[1]', null],
  ['3', null],
  ['ping', null],
  ['', null],
])('%s', (line, expected) => {
  expect(readLenientObject(line)).toEqual(expected)
})
