import { JournalBudget } from './journal-budget.ts'

test('nothing new is begun above seven tenths, and nothing goes on above nineteen twentieths', () => {
  const budget = new JournalBudget(100)
  const states = [70, 1, 24, 1].map((bytes) => {
    budget.take(bytes)
    return [budget.usedBytes, budget.crowded, budget.full]
  })
  expect(states).toEqual([
    [70, false, false],
    [71, true, false],
    [95, true, false],
    [96, true, true],
  ])
  budget.give(26)
  expect([budget.usedBytes, budget.crowded, budget.full]).toEqual([70, false, false])
})
