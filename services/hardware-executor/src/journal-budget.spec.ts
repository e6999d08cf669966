import { JournalBudget } from './journal-budget.ts'

const never = new AbortController().signal

test('there is room until the limit is reached, and again when something was given back', async () => {
  const budget = new JournalBudget(100)
  budget.take(99)
  expect(await budget.room(never)).toBe(true)
  budget.take(1)
  const room = budget.room(never)
  budget.give(50)
  expect(await room).toBe(true)
  expect(budget.usedBytes).toBe(50)
})

test('who waits too long is told that there is none', async () => {
  const budget = new JournalBudget(10)
  budget.take(10)
  expect(await budget.room(never, 1)).toBe(false)
})

test('who is stopped while waiting waits no longer', async () => {
  const budget = new JournalBudget(10)
  budget.take(10)
  const stop = new AbortController()
  const room = budget.room(stop.signal)
  stop.abort()
  expect(await room).toBe(false)
  expect(await budget.room(stop.signal)).toBe(false)
})

test('nothing new is begun when seven tenths are full', () => {
  const budget = new JournalBudget(100)
  budget.take(70)
  expect(budget.crowded).toBe(false)
  budget.take(1)
  expect(budget.crowded).toBe(true)
})
