import { until } from './until.ts'

test('until returns the first truthy answer', async () => {
  let asked = 0
  expect(await until(() => ++asked === 3 && 'third', { what: 'asked three times' })).toBe('third')
})

test('until says what it waited for and what came last', async () => {
  await expect(until(() => 0, { timeoutMs: 1, what: 'the tank is full' })).rejects.toThrow(
    'Waited 1 ms in vain until the tank is full; the last answer was 0.',
  )
})

test('until takes an error for not yet and reports the last one', async () => {
  const broken = until(() => Promise.reject(new Error('no route')), { timeoutMs: 1, what: 'there is a route' })
  await expect(broken).rejects.toThrow(
    'Waited 1 ms in vain until there is a route; the last try failed: Error: no route.',
  )
})
