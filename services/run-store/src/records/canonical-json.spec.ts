import fc from 'fast-check'
import { canonicalJson, contentHash, contentId } from './canonical-json.ts'
import { mayBeKept } from './configurations.ts'

test('the order of keys does not count, everything else does', () => {
  expect(canonicalJson({ b: [2, { d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[2,{"c":null,"d":1}]}')
  const ids = ['EXP_1', 'EXPA1', 'exp_1', "it's 100%"].map((title) => contentId(contentHash({ title })))
  expect(new Set(ids).size).toBe(4)
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('it is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))),
    ),
  )
})

test.each([
  ['LUTE_PATH', true],
  ['SLURM_JOB_ID', true],
  ['LUCIHUB_URL', true],
  ['PATH', false],
  ['XSLURM_JOB', false],
  ['LUTE_TENV_X', false],
  ['LUCIHUB_API_KEY', false],
  ['SLURM_password', false],
])('%s is kept: %s', (name, kept) => {
  expect(mayBeKept(name)).toBe(kept)
})
