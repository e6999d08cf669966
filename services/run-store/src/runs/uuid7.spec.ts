import { isUuid, uuid7 } from './uuid7.ts'

test('a run id is a UUID of version 7 that sorts by time', () => {
  expect(uuid7(0x0123456789ab)).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(uuid7(1_000) < uuid7(1_001)).toBe(true)
})

test('only the usual spelling is a uuid', () => {
  expect([isUuid(uuid7(1)), isUuid(uuid7(1).replaceAll('-', '')), isUuid(''), isUuid(`${uuid7(1)} `)]).toEqual([
    true,
    false,
    false,
    false,
  ])
})

test('YP-01 ten thousand ids of one millisecond are all different', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => uuid7(1_000))).size).toBe(10_000)
})
