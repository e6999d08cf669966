import fc from 'fast-check'
import { keyOf, type Monomial } from './polynomial.ts'
import { planProducts } from './products.ts'

function check(wanted: readonly Monomial[], available: number): ReturnType<typeof planProducts> {
  const plan = planProducts(wanted, available)
  const formed = new Set(wanted.flat().map((variable) => keyOf([variable])))
  for (const {
    monomial,
    factors: [a, b],
  } of plan) {
    expect([formed.has(keyOf(a)), formed.has(keyOf(b))]).toEqual([true, true])
    expect([...a, ...b].sort((x, y) => x - y)).toEqual(monomial)
    formed.add(keyOf(monomial))
  }
  for (const monomial of wanted) expect(formed.has(keyOf(monomial))).toBe(true)
  return plan
}

test.each<[string, readonly Monomial[], number]>([
  ['x²', [[0, 0]], 1],
  [
    'xy and xz',
    [
      [0, 1],
      [0, 2],
    ],
    2,
  ],
  [
    'x², x³ and x²y share the square',
    [
      [0, 0],
      [0, 0, 0],
      [0, 0, 1],
    ],
    3,
  ],
  ['wxyz', [[0, 1, 2, 3]], 3],
  ['x⁸ by squaring', [Array<number>(8).fill(0)], 3],
  [
    'x²y² by way of xy',
    [
      [0, 1],
      [0, 0, 1, 1],
    ],
    2,
  ],
  [
    'x⁴ and x²y²',
    [
      [0, 0, 0, 0],
      [0, 0, 1, 1],
    ],
    4,
  ],
  [
    'xyz and wyz share yz',
    [
      [0, 1, 2],
      [1, 2, 3],
    ],
    3,
  ],
])('%s', (_name, wanted, products) => {
  expect(check(wanted, 4)).toHaveLength(products)
})

test('a plan too long for the multipliers is still a plan', () => {
  expect(check([[0, 1, 2, 3, 4, 5, 6]], 4).length).toBeGreaterThan(4)
})

test('every plan forms what is wanted from what was formed before', () => {
  const monomial = fc.array(fc.nat(4), { minLength: 2, maxLength: 6 }).map((factors) => factors.sort((a, b) => a - b))
  fc.assert(
    fc.property(fc.uniqueArray(monomial, { maxLength: 4, selector: keyOf }), (wanted) => void check(wanted, 4)),
    { seed: 20_252, numRuns: 200 },
  )
})
