import fc from 'fast-check'
import { factor, monomialsOf, type Factored } from './factor.ts'
import { keyOf, valueAt, type Polynomial } from './polynomial.ts'
import { countProducts } from './products.ts'

const VARIABLES = 4

function polynomial(...terms: readonly (readonly [coefficient: number, ...monomial: number[]])[]): Polynomial {
  return new Map(terms.map(([coefficient, ...monomial]) => [keyOf(monomial), { monomial, coefficient }]))
}

/** Values with sums put back in; variables from VARIABLES on are sums. */
function valuesOf({ polynomials, sums }: Factored, at: readonly number[]): number[] {
  const valueOf = (variable: number): number => {
    const sum = sums[variable - VARIABLES]
    return sum ? valueAt(sum, valueOf) : (at[variable] ?? NaN)
  }
  return polynomials.map((one) => valueAt(one, valueOf))
}

const cases: readonly (readonly [name: string, polynomials: readonly Polynomial[], products: number])[] = [
  ['x y + x z', [polynomial([1, 0, 1], [1, 0, 2])], 1],
  ['x y + x z and 2 w y + 2 w z', [polynomial([1, 0, 1], [1, 0, 2]), polynomial([2, 1, 3], [2, 2, 3])], 2],
  [
    '(1 - x²)(y + z + w), multiplied out',
    [polynomial([1, 1], [1, 2], [1, 3], [-1, 0, 0, 1], [-1, 0, 0, 2], [-1, 0, 0, 3])],
    2,
  ],
  ['x y alone', [polynomial([1, 0, 1], [1, 2])], 1],
]

test.each(cases)('%s', (_name, polynomials, products) => {
  expect(countProducts(monomialsOf(factor(polynomials, VARIABLES)))).toBe(products)
})

test('factoring changes no value, and takes no more products', () => {
  const term = fc.tuple(
    fc.integer({ min: -3, max: 3 }).filter((c) => c !== 0),
    fc.array(fc.nat(VARIABLES - 1), { maxLength: 4 }),
  )
  const one = fc
    .array(term, { minLength: 1, maxLength: 6 })
    .map((terms) => polynomial(...terms.map(([c, factors]) => [c, ...factors.sort((a, b) => a - b)] as const)))
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), (polynomials) => {
      const factored = factor(polynomials, VARIABLES)
      const at = [0.7, -1.3, 0.4, 1.9]
      const expected = valuesOf({ polynomials, sums: [] }, at)
      valuesOf(factored, at).forEach((value, index) => expect(value).toBeCloseTo(expected[index] ?? NaN, 9))
      expect(countProducts(monomialsOf(factored))).toBeLessThanOrEqual(
        countProducts(monomialsOf({ polynomials, sums: [] })),
      )
    }),
    { seed: 20_254, numRuns: 150 },
  )
})
