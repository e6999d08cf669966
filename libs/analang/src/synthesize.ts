/**
 * From a polynomial system to a circuit: an integrator for each state, multipliers for the products that the
 * right-hand sides share, an identity for each probe that is a sum. A probe of one signal takes no element:
 * its factor and offset go into the channel.
 */
import { invariant, type ClusterSpecification } from '@lucihub/analog'
import type { Circuit, Contribution, ProbedSignal, Signal } from './circuit.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import { elementsOf } from './elements.ts'
import type { System } from './lower.ts'
import { keyOf, type Monomial, type Polynomial } from './polynomial.ts'
import { planProducts, type Product } from './products.ts'

const NOTHING: Circuit = { signals: [], probes: [] }

export interface Resources {
  readonly cluster: ClusterSpecification
  readonly adcChannels: number
  readonly lanes: number
}

export function synthesize(system: System, { cluster, adcChannels, lanes }: Resources): Staged<Circuit> {
  const issues: Issue[] = []
  const need = (kind: string, needed: number, available: number): void => {
    if (needed > available)
      issues.push(
        issue('ANA0301', null, `the circuit needs ${needed} ${kind}, the device has ${available}`, hintFor(kind)),
      )
  }
  const elements = elementsOf(cluster)
  const multipliers = elements.filter((element) => element.kind === 'multiplier').length
  const wanted = nonlinearMonomials(system)
  // Each monomial takes a multiplier of its own at least; only then are there few enough to plan for.
  const products = wanted.length > multipliers ? [] : planProducts(wanted, multipliers)
  need('integrators', system.states.length, elements.filter((element) => element.kind === 'integrator').length)
  need('multipliers', Math.max(wanted.length, products.length), multipliers)
  need('ADC channels', system.probes.length, adcChannels)
  for (const { label, range, value } of system.probes)
    if ([...value.keys()].every((key) => key === ''))
      issues.push(issue('ANA0112', range, `the probe ${quoted(label)} does not depend on time`))
  if (issues.length > 0) return staged(NOTHING, issues)
  const circuit = wire(system, products)
  const connections = circuit.signals.reduce(
    (count, signal) => count + (signal.kind === 'product' ? 2 : signal.inputs.length),
    0,
  )
  return staged(circuit, connections > lanes ? [lanesIssue(connections, lanes)] : [])
}

/** Said here when every connection on a lane of its own is too much, and when routing when the weights take more. */
export function lanesIssue(needed: number, available: number): Issue {
  return issue(
    'ANA0302',
    null,
    `the circuit needs ${needed} lanes, the device has ${available}`,
    'each term takes a lane, each product two, and a weight too large for one lane several',
  )
}

function hintFor(kind: string): string {
  if (kind === 'ADC channels') return 'probe fewer signals'
  return kind === 'multipliers'
    ? 'products are shared only where they are written out alike; fewer different ones take fewer multipliers'
    : 'each order of each differential equation takes one'
}

function nonlinearMonomials({ states, probes }: System): Monomial[] {
  const monomials = new Map<string, Monomial>()
  for (const polynomial of [...states.map((state) => state.rhs), ...probes.map((probe) => probe.value)])
    for (const [key, { monomial }] of polynomial) if (monomial.length >= 2) monomials.set(key, monomial)
  return [...monomials.values()]
}

function wire(system: System, products: readonly Product[]): Circuit {
  const positions = new Map<string, number>()
  const positionOf = (monomial: Monomial): number => {
    const position = positions.get(keyOf(monomial))
    invariant(position !== undefined, 'every monomial has a signal')
    return position
  }
  system.states.forEach((_, index) => positions.set(keyOf([index]), index))
  products.forEach(({ monomial }, index) => positions.set(keyOf(monomial), system.states.length + index))
  const contributions = (polynomial: Polynomial): Contribution[] =>
    [...polynomial.values()].map(({ monomial, coefficient }) => ({
      source: monomial.length === 0 ? 'constant' : positionOf(monomial),
      coefficient,
    }))
  const signals: Signal[] = [
    ...system.states.map(({ name, range, initial, rhs }): Signal => ({
      kind: 'integrator',
      name,
      range,
      initial,
      inputs: contributions(rhs),
    })),
    ...products.map(({ monomial, factors: [a, b] }): Signal => ({
      kind: 'product',
      name: nameOf(monomial, system),
      factors: [positionOf(a), positionOf(b)],
    })),
  ]
  const probes = system.probes.map(({ label, range, value }): ProbedSignal => {
    const offset = value.get('')?.coefficient ?? 0
    const inputs = contributions(value).filter(({ source }) => source !== 'constant')
    const [only] = inputs
    if (inputs.length === 1 && only && only.source !== 'constant')
      return { label, source: only.source, coefficient: only.coefficient, offset }
    signals.push({ kind: 'sum', name: label, range, inputs })
    return { label, source: signals.length - 1, coefficient: 1, offset }
  })
  return { signals, probes }
}

/** `x^2*y`, from the names of the states. */
function nameOf(monomial: Monomial, { states }: System): string {
  return [...new Set(monomial)]
    .map((variable) => {
      const exponent = monomial.filter((other) => other === variable).length
      return `${states[variable]?.name}${exponent > 1 ? `^${exponent}` : ''}`
    })
    .join('*')
}
