import { Problem } from '@lucihub/analog'
import { checkSchema, schemaViolations } from './schema-check.ts'

const SCHEMA = JSON.stringify({
  type: 'object',
  properties: { gain: { type: 'number', minimum: 0, maximum: 2 }, mode: { enum: ['a', 'b'] } },
  required: ['gain'],
  additionalProperties: false,
})

test.each<[value: unknown, pointers: string[], message: string]>([
  [{ gain: 1 }, [], ''],
  [{ gain: 3 }, ['/data/gain'], 'It must be <= 2.'],
  [{ gain: 'x', mode: 'c' }, ['/data/gain', '/data/mode'], 'It must be number.'],
  [{}, ['/data/gain'], 'It is required.'],
  [{ gain: 1, 'a/b': 1 }, ['/data/a~1b'], 'There is no such property.'],
])('%j is judged by the schema', (value, pointers, message) => {
  const found = schemaViolations(SCHEMA, value, '/data')
  expect(found.map(({ pointer }) => pointer)).toEqual(pointers)
  expect(found[0]?.message ?? '').toBe(message)
})

test.each(['{"type":"nothing"}', '[1]', '{"$ref":"https://example.org/x.json"}', '{"pattern":"("}', '1'])(
  '%s is no schema, and told so with its place',
  (text) => {
    expect(() => checkSchema(text, '/pointSchema')).toThrow(Problem)
    try {
      checkSchema(text, '/pointSchema')
    } catch (problem) {
      expect(Problem.from(problem)).toMatchObject({
        type: 'validation-failed',
        violations: [{ pointer: '/pointSchema' }],
      })
    }
  },
)

test('names that a schema defines do not reach the next one', () => {
  const named = JSON.stringify({ $id: 'mine', type: 'object' })
  checkSchema(named, '')
  checkSchema(`${named} `, '')
  expect(() => checkSchema('{"$ref":"mine"}', '')).toThrow('not a JSON Schema')
})

test.each([
  ['(a+)+$', 'a pattern may not repeat a group'],
  ['(a|a)*', 'a pattern may not repeat a group'],
  ['a*a*a*b', 'a pattern may have 2 of "*", "+" and "{n,}"'],
  ['x'.repeat(201), 'a pattern may have 200 characters'],
])('the pattern %s could stop the process and is refused', (pattern, message) => {
  expect(() => checkSchema(JSON.stringify({ pattern }), '')).toThrow(message)
})

test('an ordinary pattern works, on texts of an ordinary length', () => {
  const schema = JSON.stringify({ pattern: '^[A-Z]+-(a|b)[0-9]+\\*$' })
  expect(schemaViolations(schema, 'AB-a12*')).toEqual([])
  expect(schemaViolations(schema, 'ab-a12*')).toHaveLength(1)
  const two = JSON.stringify({ properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } })
  expect(schemaViolations(two, { a: 'b', b: 'b' }).map(({ pointer }) => pointer)).toEqual(['/a'])
  expect(schemaViolations(schema, `${'A'.repeat(2000)}-a1*`)).toHaveLength(1)
})
