import { Problem } from '@lucihub/analog'
import fc from 'fast-check'
import { RunDataReader } from './run-data.ts'
import { decimal } from './run-lines.ts'

const read = (line: string) => new RunDataReader().read(Buffer.from(line))
const withData = (data: string): string =>
  `{"type":"run_data","msg":{"id":"r","entity":["04-E9-E5-15-87-A0","0"],"data":${data}}}`
const valuesOf = (data: string): number[] => [...(read(withData(data))?.values ?? [])]

test('a line gives its run, its entity and its rows', () => {
  expect(read(withData('[[ 0.800,-0.100],[ 0.799, 1.250]]'))).toEqual({
    runId: 'r',
    entity: ['04-E9-E5-15-87-A0', '0'],
    width: 2,
    count: 2,
    values: Float32Array.of(0.8, -0.1, 0.799, 1.25),
  })
})

test.each<[string, string, readonly number[]]>([
  ['the published form', '[[ 0.123,-0.999]]', [0.123, -0.999]],
  ['no blanks and no decimals', '[[1,-1,0]]', [1, -1, 0]],
  ['blanks everywhere', '[ [ 0.5 , -0.25 ] , [ 1.0 , 0.0 ] ]', [0.5, -0.25, 1, 0]],
  ['an exponent', '[[1e-3,-2.5E2]]', [0.001, -250]],
  ['more digits than a double holds', '[[0.12345678901234567890]]', [0.12345678901234568]],
  ['what is no number, as JSON and as C say it', '[[null,nan,-nan,inf,-inf]]', [NaN, NaN, NaN, Infinity, -Infinity]],
  ['no rows', '[]', []],
])('%s is read', (_name, data, expected) => {
  expect(valuesOf(data)).toEqual(expected.map((value) => Math.fround(value)))
})

test('the order of keys, other keys and slashes make no difference', () => {
  expect(
    read('{"msg": {"data": [[0.5]], "entity": ["/04-E9-E5-15-87-A0"], "id": "r", "t_0": 3}, "type": "run_data"}'),
  ).toEqual({ runId: 'r', entity: ['04-E9-E5-15-87-A0'], width: 1, count: 1, values: Float32Array.of(0.5) })
})

test.each([
  '{"id":"a","type":"one_shot_daq","msg":{"data":[0.1,0.2]},"code":0}',
  '{"id":"a","type":"get_circuit","msg":{"data":[[1]]},"code":0}',
  '{"type":"run_state_change","msg":{"id":"r","t":1,"old":"NEW","new":"DONE"}}',
  '{"error":"no \\"data\\":[[1]] here"}',
  '',
  'run data',
])('%s is no line of samples', (line) => {
  expect(read(line)).toBeNull()
})

test.each([
  '[[1,2],[3]]',
  '[1,2]',
  '[[]]',
  '[[1,]]',
  '[[1 2]]',
  '[["a"]]',
  '[[0x10]]',
  '[[1],[2]',
  '{"a":1}',
  '[[[1]]]',
])('samples %s are refused, not passed over', (data) => {
  const reading = () => read(withData(data))
  if (data.startsWith('{')) expect(reading()).toBeNull()
  else expect(reading).toThrow(new Problem('invalid-request', 'A run_data line is not well formed.'))
})

test('whatever numbers are written, they are read as JSON reads them', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.double({ min: -2, max: 2, noNaN: true }).map(decimal),
    fc.integer().map(String),
  )
  fc.assert(
    fc.property(fc.array(fc.array(number, { minLength: 3, maxLength: 3 }), { maxLength: 20 }), (rows) => {
      const data = `[${rows.map((row) => `[${row.join(',')}]`).join(',')}]`
      expect(valuesOf(data)).toEqual((JSON.parse(data) as number[][]).flat().map(Math.fround))
    }),
  )
})

test('one changed byte of a line gives numbers, nothing, or a Problem', () => {
  const line = Buffer.from(withData('[[ 0.800,-0.100],[ 0.799, 1.250]]'))
  const reader = new RunDataReader()
  for (let at = 0; at < line.length; at++)
    for (const byte of [0, 0x22, 0x2c, 0x5b, 0x5d, 0x7d, 0xff]) {
      const damaged = Buffer.from(line)
      damaged[at] = byte
      try {
        const found = reader.read(damaged)
        if (found) expect(found.values).toHaveLength(found.count * found.width)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Problem)
      }
    }
})
