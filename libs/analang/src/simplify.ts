/**
 * What powers of one base make of each other: sqrt(u) / sqrt(u) is 1, and where the base is u = a M + c with a
 * single monomial M, M / u is (1 - c / u) / a. Every rule lowers the degree, so fewer multipliers are needed, and
 * sometimes no reciprocal at all: x' = -sqrt(x) gives sqrt(x)' = -1/2.
 */
import type { GeneratedVariable } from './embed.ts'
import { canonicalKey, type Arithmetic, type Monomial, type Polynomial, type Term } from './polynomial.ts'

/** All powers of a base that are variables: g = base^(-1/q), and base^f for fractions f. */
interface Family {
  /** The base as coefficient * monomial + constant, where it has that form. */
  readonly base: { readonly coefficient: number; readonly monomial: Monomial; readonly constant: number } | null
  readonly q: number
  readonly reciprocal: number
  /** Variables by their exponent in units of 1/q. */
  readonly roots: ReadonlyMap<number, number>
}

/** Rewrites polynomials; `first` is the position of the first generated variable. */
export function simplifier(
  generated: readonly GeneratedVariable[],
  { first, arithmetic }: { first: number; arithmetic: Arithmetic },
): (polynomial: Polynomial) => Polynomial {
  const families = familiesOf(generated, first)
  if (families.length === 0) return (polynomial) => polynomial
  return (polynomial) => {
    const parts: { sign: number; value: Polynomial }[] = []
    const pending = [...polynomial.values()].reverse()
    for (let term = pending.pop(); term && !arithmetic.exhausted; term = pending.pop()) {
      const rewritten = rewrittenTerm(term, families)
      if (rewritten) pending.push(...rewritten)
      else parts.push({ sign: 1, value: new Map([[term.monomial.join(','), term]]) })
    }
    return arithmetic.sum(parts)
  }
}

function familiesOf(generated: readonly GeneratedVariable[], first: number): Family[] {
  const byBase = new Map<string, { base: Polynomial; members: { exponent: number; variable: number }[] }>()
  generated.forEach(({ form }, index) => {
    if (form.kind !== 'power') return
    const key = canonicalKey(form.base)
    const family = byBase.get(key) ?? { base: form.base, members: [] }
    byBase.set(key, family)
    family.members.push({ exponent: form.exponent, variable: first + index })
  })
  return [...byBase.values()].flatMap(({ base, members }): Family[] => {
    const reciprocal = members.find(
      ({ exponent }) => exponent < 0 && Number.isInteger(Math.round(1e9 / -exponent) / 1e9),
    )
    if (!reciprocal) return []
    const q = Math.round(-1 / reciprocal.exponent)
    const roots = members.flatMap(({ exponent, variable }) => {
      const units = Math.round(exponent * q)
      return exponent > 0 && Math.abs(units - exponent * q) < 1e-9 ? [[units, variable] as const] : []
    })
    return [{ base: affine(base), q, reciprocal: reciprocal.variable, roots: new Map(roots) }]
  })
}

function affine(base: Polynomial): Family['base'] {
  const [term, ...others] = [...base.values()].filter(({ monomial }) => monomial.length > 0)
  return term && others.length === 0 ? { ...term, constant: base.get('')?.coefficient ?? 0 } : null
}

/** The terms that stand for a term, or null when no rule applies. */
function rewrittenTerm({ monomial, coefficient }: Term, families: readonly Family[]): Term[] | null {
  for (const { base, q, reciprocal, roots } of families) {
    const count = monomial.filter((variable) => variable === reciprocal).length
    if (count === 0) continue
    for (const [units, root] of roots) {
      if (!monomial.includes(root)) continue
      const left = units - Math.min(count, units)
      const remainder = left === 0 ? [] : roots.get(left)
      if (remainder !== undefined)
        return [
          {
            coefficient,
            monomial: changed(monomial, [root, ...repeated(reciprocal, units - left)], [remainder].flat()),
          },
        ]
    }
    if (!base || !contains(monomial, base.monomial)) continue
    if (count >= q) {
      const rest = changed(monomial, base.monomial, [])
      return [
        { coefficient: coefficient / base.coefficient, monomial: changed(rest, repeated(reciprocal, q), []) },
        ...(base.constant === 0
          ? []
          : [{ coefficient: (-coefficient * base.constant) / base.coefficient, monomial: rest }]),
      ]
    }
    const root = roots.get(q - count)
    if (root !== undefined && base.constant === 0 && base.coefficient === 1)
      return [{ coefficient, monomial: changed(monomial, [...base.monomial, ...repeated(reciprocal, count)], [root]) }]
  }
  return null
}

function repeated(variable: number, count: number): number[] {
  return Array<number>(count).fill(variable)
}

function contains(monomial: Monomial, part: Monomial): boolean {
  let at = 0
  for (const variable of monomial) if (variable === part[at]) at++
  return at === part.length
}

/** The monomial without some factors, and with others. */
function changed(monomial: Monomial, without: readonly number[], added: readonly number[]): Monomial {
  const left = [...monomial]
  for (const variable of without) left.splice(left.indexOf(variable), 1)
  return [...left, ...added].sort((a, b) => a - b)
}
