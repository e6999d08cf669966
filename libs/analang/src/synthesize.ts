/**
 * From a polynomial system to a circuit: an integrator for each state, multipliers for the products that the
 * right-hand sides share, an identity for each probe that is a sum. A probe of one signal takes no element:
 * its factor and offset go into the channel.
 */
import { invariant, type DeviceSpecification } from '@lucihub/analog'
import { divides, machineFor, offerOf, portsOf, type Needs } from './capacity.ts'
import { inputsOf, type Circuit, type Contribution, type Factor, type ProbedSignal, type Signal } from './circuit.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import { operandsOf } from './embed.ts'
import { factor, monomialsOf, MONOMIALS_MAX, type Factored } from './factor.ts'
import type { System } from './lower.ts'
import { keyOf, textOf, type Monomial, type Polynomial, type Term } from './polynomial.ts'
import { planProducts, type Product } from './products.ts'

const NOTHING: Circuit = { signals: [], probes: [] }

export function synthesize(system: System, device: DeviceSpecification): Staged<Circuit> {
  const { multipliers } = offerOf(device, 0)
  const { factored, products } = planned(system, multipliers)
  const inputs = system.computed.filter(isInput)
  const needs: Needs = {
    integrators: system.states.length,
    multipliers: products.length + system.computed.length - inputs.length,
    identities: system.probes.filter(isSum).length + inputs.length,
    'ADC channels': system.probes.length,
    lanes: 0,
    ports: inputs.length,
  }
  const issues = [
    ...shortages(needs, device),
    ...portIssues(needs, inputs, device),
    ...system.probes
      .filter(({ value }) => [...value.keys()].every((key) => key === ''))
      .map(({ label, range }) => issue('ANA0112', range, `the probe ${quoted(label)} does not depend on time`)),
  ]
  if (issues.length > 0) return staged(NOTHING, issues)
  const circuit = wire(system, { factored, products }, divides(device))
  const connections = circuit.signals.reduce(
    (count, signal) => count + (signal.kind === 'input' ? 1 : contributionsOf(signal).length),
    0,
  )
  const lanes = offerOf(device, 0).lanes
  return staged(circuit, connections > lanes ? [lanesIssue(circuit, connections, lanes)] : [])
}

/** Said here when every connection on a lane of its own is too much, and when routing when the weights take more. */
export function lanesIssue({ signals, probes }: Circuit, lanes: number, available: number): Issue {
  const count = (kind: Signal['kind']): number => signals.filter((signal) => signal.kind === kind).length
  const needs: Needs = {
    integrators: count('integrator'),
    multipliers: signals.filter((signal) => 'factors' in signal).length,
    identities: count('sum') + count('input'),
    'ADC channels': probes.length,
    lanes,
    ports: count('input'),
  }
  return issue(
    'ANA0302',
    null,
    `the circuit needs ${lanes} lanes, the device has ${available}`,
    `each term takes a lane, each product two, and a weight too large for one lane several; ${machineFor(needs)}`,
  )
}

function contributionsOf(signal: Signal): readonly Contribution[] {
  return 'factors' in signal ? signal.factors.flat() : inputsOf(signal)
}

const HINTS: Readonly<Record<Exclude<keyof Needs, 'lanes' | 'ports'>, string>> = {
  integrators: 'each order of each differential equation takes one',
  multipliers: 'products are shared only where they are written out alike; fewer different ones take fewer multipliers',
  identities: 'each external input and each probe of a sum takes one: probe the parts, and add them up afterwards',
  'ADC channels': 'probe fewer signals',
}

/** Every kind of which the device has too little. */
function shortages(needs: Needs, device: DeviceSpecification): Issue[] {
  const offer = offerOf(device, needs.multipliers)
  const kinds = (['integrators', 'multipliers', 'identities', 'ADC channels'] as const).filter(
    // Without enough multipliers there is no saying how many identities they leave.
    (kind) => needs[kind] > offer[kind] && (kind !== 'identities' || needs.multipliers <= offer.multipliers),
  )
  return kinds.map((kind) => {
    const beside = kind === 'identities' ? ' beside its multipliers' : ''
    return issue(
      'ANA0301',
      null,
      `the circuit needs ${needs[kind]} ${kind}, the device has ${offer[kind]}${beside}`,
      `${HINTS[kind]}; ${machineFor(needs)}`,
    )
  })
}

/** Said at the first input that finds no port. */
function portIssues(needs: Needs, inputs: System['computed'], device: DeviceSpecification): Issue[] {
  const ports = portsOf(device)
  const first = inputs[ports]
  if (!first) return []
  const message = `the program has ${needs.ports} external ${needs.ports === 1 ? 'input' : 'inputs'}, the device has ${ports} ports`
  return [issue('ANA0206', first.range, message, machineFor(needs))]
}

/** Whether a probe takes an element: its value is neither a signal nor a multiple of one. */
function isSum({ value }: System['probes'][number]): boolean {
  return [...value.keys()].filter((key) => key !== '').length > 1
}

interface Plan {
  readonly factored: Factored
  readonly products: readonly Product[]
}

/** The products to form: as the system is multiplied out, or with common factors where that takes fewer multipliers. */
function planned({ states, computed, probes }: System, multipliers: number): Plan {
  const polynomials = [
    ...states.map(({ rhs }) => rhs),
    ...computed.flatMap(({ algebra }) => operandsOf(algebra)),
    ...probes.map(({ value }) => value),
  ]
  const variables = states.length + computed.length
  const plain: Factored = { polynomials, sums: [] }
  const wanted = monomialsOf(plain)
  // So many are only counted: each takes a multiplier at least.
  if (wanted.length > Math.max(MONOMIALS_MAX, multipliers)) return { factored: plain, products: wanted.map(uncomputed) }
  const planFor = (factored: Factored): Plan => ({
    factored,
    products: planProducts(monomialsOf(factored), multipliers),
  })
  const [multipliedOut, lean] = [planFor(plain), planFor(factor(polynomials, variables))]
  return lean.products.length < multipliedOut.products.length ? lean : multipliedOut
}

function uncomputed(monomial: Monomial): Product {
  return { monomial, factors: [monomial, []] }
}

function isInput({ algebra }: System['computed'][number]): boolean {
  return algebra.kind === 'input'
}

/** What stands between integrators and probes, by an order of computation. */
type Computation = { readonly product: Product } | { readonly variable: number }

function wire(system: System, { factored, products }: Plan, squares: boolean): Circuit {
  const { polynomials, sums } = factored
  const states = system.states.length
  const variables = states + system.computed.length
  /** Where the operands of a computed variable begin among the polynomials. */
  const operandsAt: number[] = []
  let probesAt = states
  for (const { algebra } of system.computed) {
    operandsAt.push(probesAt)
    probesAt += operandsOf(algebra).length
  }
  const operands = (variable: number): readonly Polynomial[] => {
    const start = operandsAt[variable - states] ?? 0
    return polynomials.slice(start, operandsAt[variable - states + 1] ?? probesAt)
  }
  const ordered = inOrder(products, { states, variables, sums, operands })
  const positions = new Map<string, number>()
  const positionOf = (monomial: Monomial): number => {
    const position = positions.get(keyOf(monomial))
    invariant(position !== undefined, 'every monomial has a signal')
    return position
  }
  system.states.forEach((_, index) => positions.set(keyOf([index]), index))
  ordered.forEach((one, index) =>
    positions.set(keyOf('variable' in one ? [one.variable] : one.product.monomial), states + index),
  )
  const sumOf = (monomial: Monomial): Polynomial | undefined =>
    monomial.length === 1 ? sums[(monomial[0] ?? 0) - variables] : undefined
  const contributions = (polynomial: Polynomial): Contribution[] =>
    merged(
      [...polynomial.values()].flatMap(({ monomial, coefficient }): Contribution[] => {
        const sum = sumOf(monomial)
        if (sum) return contributions(sum).map((part) => ({ ...part, coefficient: part.coefficient * coefficient }))
        return [{ source: monomial.length === 0 ? 'constant' : positionOf(monomial), coefficient }]
      }),
    )
  const factorOf = (monomial: Monomial): Factor => {
    const sum = sumOf(monomial)
    return sum ? contributions(sum) : [{ source: positionOf(monomial), coefficient: 1 }]
  }
  const nameOfVariable = (variable: number): string => {
    const sum = sums[variable - variables]
    if (sum) return `(${textOf(sum, nameOfVariable)})`
    return (system.states[variable] ?? system.computed[variable - states])?.name ?? ''
  }
  const computed = (one: Computation): Signal => {
    if ('product' in one) {
      const { monomial, factors } = one.product
      const [a, b] = factors.map(factorOf)
      const isSquare = squares && keyOf(factors[0]) === keyOf(factors[1])
      return {
        kind: isSquare ? 'square' : 'product',
        name: textOf(new Map([[keyOf(monomial), { monomial, coefficient: 1 }]]), nameOfVariable),
        range: null,
        factors: isSquare ? [a ?? []] : [a ?? [], b ?? []],
        declared: null,
        singular: '',
      }
    }
    const variable = system.computed[one.variable - states]
    invariant(variable, 'every variable is of the system')
    const { name, range, algebra, declared, singular } = variable
    if (algebra.kind === 'input') return { kind: 'input', name, range, declared }
    return { kind: algebra.kind, name, range, factors: operands(one.variable).map(contributions), declared, singular }
  }
  const signals: Signal[] = [
    ...system.states.map(({ name, range, initial, declared, singular, domain }, index): Signal => ({
      kind: 'integrator',
      name,
      range,
      initial,
      inputs: contributions(polynomials[index] ?? new Map()),
      declared,
      singular,
      domain,
    })),
    ...ordered.map(computed),
  ]
  const probes = system.probes.map(({ label, range, declared }, index): ProbedSignal => {
    const value = polynomials[probesAt + index] ?? new Map()
    const offset = value.get('')?.coefficient ?? 0
    const inputs = contributions(value).filter(({ source }) => source !== 'constant')
    const [only] = inputs
    if (inputs.length === 1 && only && only.source !== 'constant')
      return { label, range, source: only.source, coefficient: only.coefficient, offset }
    signals.push({ kind: 'sum', name: label, range, inputs, declared })
    return { label, range, source: signals.length - 1, coefficient: 1, offset }
  })
  return { signals, probes }
}

interface Numbering {
  readonly states: number
  /** States and computed variables; from here on numbers stand for sums. */
  readonly variables: number
  readonly sums: readonly Polynomial[]
  /** What a computed variable is made of. */
  operands(variable: number): readonly Polynomial[]
}

/**
 * Products and computed variables so that each stands after those that its factors, sums among them, are made of. An
 * explicit stack, since a variable may be made of a variable made of a variable.
 */
function inOrder(products: readonly Product[], { states, variables, sums, operands }: Numbering): Computation[] {
  const byKey = new Map(products.map((product) => [keyOf(product.monomial), product]))
  const ordered: Computation[] = []
  const done = new Set<string>()
  const madeOf = (monomial: Monomial): readonly Monomial[] => {
    const [variable = -1] = monomial
    if (monomial.length !== 1) return byKey.get(keyOf(monomial))?.factors ?? []
    const parts = variable < states ? [] : variable < variables ? operands(variable) : [sums[variable - variables]]
    return parts.flatMap((part) => [...(part ?? new Map<string, Term>()).values()].map((term) => term.monomial))
  }
  const finish = (monomial: Monomial): void => {
    const [variable = -1] = monomial
    const product = byKey.get(keyOf(monomial))
    if (product) ordered.push({ product })
    else if (monomial.length === 1 && variable >= states && variable < variables) ordered.push({ variable })
  }
  const computed = Array.from({ length: variables - states }, (_, index): Monomial => [states + index])
  const pending: { readonly monomial: Monomial; readonly entered: boolean }[] = [
    ...products.map(({ monomial }) => monomial),
    ...computed,
  ]
    .map((monomial) => ({ monomial, entered: false }))
    .reverse()
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { monomial, entered } = next
    const key = keyOf(monomial)
    if (entered) finish(monomial)
    else if (!done.has(key)) {
      done.add(key)
      pending.push({ monomial, entered: true })
      for (const part of [...madeOf(monomial)].reverse()) pending.push({ monomial: part, entered: false })
    }
  }
  return ordered
}

/** One contribution per source. */
function merged(contributions: readonly Contribution[]): Contribution[] {
  const totals = new Map<Contribution['source'], number>()
  for (const { source, coefficient } of contributions) totals.set(source, (totals.get(source) ?? 0) + coefficient)
  return [...totals].map(([source, coefficient]) => ({ source, coefficient }))
}
