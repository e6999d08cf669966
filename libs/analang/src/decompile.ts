/**
 * The way back: block settings in, a program out. An integrator is a differential equation, every other element a
 * definition; weights, upscaling, lanes and hops are gone, for `networkOf` has already made sums of them. Variables
 * are in physical units where the gain of a probe tells them, in machine units otherwise, and products without a
 * probe are products of what they multiply, so that coefficients come out as they were before scaling.
 */
import { invariant, type AdcChannel, type Configuration, type DeviceSpecification, type Probe } from '@lucihub/analog'
import {
  evaluationOrder,
  groupsFor,
  IDEAL,
  networkOf,
  type AlgebraicElement,
  type Group,
  type InputElement,
  type IntegratorElement,
  type Network,
  type Sum,
} from '@lucihub/simulation'
import { elementNames, Naming } from './naming.ts'
import { shortest, toleranceOf } from './number-text.ts'

export interface Decompilation {
  /** analang text. */
  readonly source: string
  /** What the text says in another way than the circuit, or not at all; also in its comments. */
  readonly remarks: readonly string[]
}

/** A scale factor beyond these says nothing about units. */
const SCALE = { min: 1e-12, max: 1e12 }

/** The program of a configuration that fits the device (`violationsOf` is empty). Deterministic. */
export function decompile(configuration: Configuration, specification: DeviceSpecification): Decompilation {
  const network = networkOf(configuration, specification, IDEAL)
  const groups = computingGroups(network)
  const channels = channelsOf(configuration, network)
  const writer = new Writer(configuration, specification, { network, groups, channels })
  const remarks = writer.remarks()
  const definitions = writer.defined.map((element) => writer.definition(element))
  const probes = channels.map((channel) => writer.probe(channel))
  const source = [
    [...writer.head(), ...remarks].map((line) => `# ${line}`),
    writer.defined.some(({ kind }) => kind === 'root') ? ['use math;'] : [],
    network.inputs.map((input) => writer.input(input)),
    definitions,
    [...network.integrators.map((element) => writer.equation(element)), ...probes.flatMap(({ equation }) => equation)],
    [
      ...network.integrators.flatMap((element) => writer.initialValue(element)),
      ...probes.flatMap(({ initial }) => initial),
    ],
    probes.map(({ statement }) => statement),
  ]
    .filter((paragraph) => paragraph.length > 0)
    .map((paragraph) => `${paragraph.join('\n')}\n`)
    .join('\n')
  return { source, remarks }
}

/**
 * The algebraic elements that an integrator or a probe depends on, in order of evaluation. A multiplier shares inputs
 * with identities, so a circuit that means one of them drives the others too.
 */
export function computingGroups({ integrators, algebraic, probes }: Network): Group[] {
  const read = integrators.flatMap(({ x }) => x.terms.map(({ output }) => output))
  return groupsFor(evaluationOrder(algebraic), [...read, ...probes])
}

/** A probe, its channel, and the output it samples over the whole device. */
interface Channel extends AdcChannel {
  readonly at: number
  readonly label: string
  readonly unit: string
}

function channelsOf({ carriers, probes }: Configuration, network: Network): Channel[] {
  return carriers
    .flatMap(({ adc }) => adc)
    .toSorted((a, b) => a.probe - b.probe)
    .map((channel): Channel => {
      const { label, unit }: Probe = probes[channel.probe] ?? { label: '', unit: '' }
      return { ...channel, label, unit, at: network.probes[channel.probe] ?? -1 }
    })
}

/** A sum as terms of signals: coefficient * text, text empty for the constant. */
type Terms = readonly { readonly coefficient: number; readonly text: string }[]

class Writer {
  /** The algebraic elements whose value changes in time, in order of evaluation. */
  readonly defined: readonly AlgebraicElement[]
  readonly #configuration: Configuration
  readonly #network: Network
  readonly #groups: readonly Group[]
  readonly #naming = new Naming()
  readonly #names = new Map<number, string>()
  /** variable = machine value * scale. */
  readonly #scales = new Map<number, number>()
  readonly #tolerance: number
  /** Problem time per second of op time. */
  readonly #pace: number
  readonly #labels = new Naming()
  readonly #constants: ReadonlyMap<number, number>

  constructor(
    configuration: Configuration,
    specification: DeviceSpecification,
    { network, groups, channels }: { network: Network; groups: readonly Group[]; channels: readonly Channel[] },
  ) {
    this.#configuration = configuration
    this.#network = network
    this.#groups = groups
    const clusters = configuration.carriers.flatMap((carrier) => carrier.clusters)
    this.#tolerance = toleranceOf([
      ...clusters.flatMap(({ lanes }) => lanes.map(({ coefficient }) => coefficient)),
      ...network.integrators.map(({ initial }) => initial),
    ])
    this.#pace = configuration.problemTimePerSecond || Math.max(0, ...network.integrators.map(({ k0 }) => k0)) || 10_000
    const positions = elementNames(specification)
    const held = constantsOf(groups)
    this.#constants = held
    this.defined = groups.flatMap(({ elements }) => elements).filter(({ output }) => !held.has(output))
    const named = new Set([...network.integrators, ...this.defined].map(({ output }) => output))
    // A probe with an offset measures something else than the element's own value.
    const meant = channels.filter(({ at, offset, gain }) => named.has(at) && offset === 0 && gain !== 0)
    for (const { output, name, gain } of network.inputs) {
      this.#names.set(output, this.#naming.take(name, `input${output}`))
      this.#scales.set(output, gain)
    }
    for (const { output, label } of [
      ...meant.map(({ at, label }) => ({ output: at, label })),
      ...[...named].map((output) => ({ output, label: '' })),
    ])
      if (!this.#names.has(output))
        this.#names.set(output, this.#naming.take(label, positions.get(output) ?? `e${output}`))
    for (const { output } of network.integrators) this.#scales.set(output, scaleOf(output, channels) ?? 1)
    for (const integrator of network.integrators)
      if (scaleOf(integrator.output, channels)) this.#adopt(integrator, channels)
    for (const { elements, loop } of groups)
      for (const element of elements)
        if (!held.has(element.output))
          this.#scales.set(
            element.output,
            scaleOf(element.output, channels) ?? (loop ? 1 : this.#naturalScale(element)),
          )
  }

  head(): string[] {
    const { integrators } = this.#network
    const others = this.#groups.reduce((sum, { elements }) => sum + elements.length, 0)
    const lanes = this.#configuration.carriers.flatMap(({ clusters }) => clusters.flatMap((cluster) => cluster.lanes))
    const rates = [...new Set(integrators.map(({ k0 }) => k0))].sort((a, b) => b - a)
    const pace = Number(this.#pace.toPrecision(6))
    return [
      `A circuit of ${counted(integrators.length, 'integrator')}, ${counted(others, 'other element')} and ${counted(lanes.length, 'lane')}.`,
      ...(rates.length > 0
        ? [`k0 = ${rates.join(' and ')} per second; ${pace} units of t pass per second of op time.`]
        : []),
    ]
  }

  remarks(): string[] {
    const named = (elements: readonly { readonly output: number }[]): string =>
      elements.map(({ output }) => `\`${this.#name(output)}\``).join(', ')
    const limited = this.#network.integrators.filter(({ limiter }) => limiter)
    return [
      ...this.#groups
        .filter(({ loop }) => loop)
        .map(({ elements }) =>
          elements.length === 1
            ? `Implicit: ${named(elements)} depends on itself with no integrator in between.`
            : `Implicit: ${named(elements)} depend on each other with no integrator in between.`,
        ),
      ...(limited.length > 0 ? [`Left out: the limiters of ${named(limited)}, which clip at full scale.`] : []),
    ]
  }

  equation({ output, x, k0 }: IntegratorElement): string {
    return `let diff[${this.#name(output)}, t](t) = ${this.#sumText(this.#terms(x, (-k0 / this.#pace) * this.#scale(output)))};`
  }

  initialValue({ output, initial }: IntegratorElement): string[] {
    return initial === 0 ? [] : [`let ${this.#name(output)}(t: 0) = ${this.#number(initial * this.#scale(output))};`]
  }

  /** Its range is what full scale at the port means. */
  input({ output, gain }: InputElement): string {
    const name = this.#name(output)
    const range =
      Math.abs(gain) === 1
        ? ''
        : ` range ${name} = ${this.#number(-Math.abs(gain))} .. ${this.#number(Math.abs(gain))};`
    return `in ${name};${range}`
  }

  definition(element: AlgebraicElement): string {
    return `let ${this.#name(element.output)}(t) = ${this.#value(element)};`
  }

  /** A probe must depend on time to the language, so a constant one measures a variable that stays where it began. */
  probe({ at, gain, offset, label, unit }: Channel): {
    readonly statement: string
    readonly equation: readonly string[]
    readonly initial: readonly string[]
  } {
    const name = gain === 0 ? undefined : this.#names.get(at)
    const constant = gain * (this.#constants.get(at) ?? 0) + offset
    const variable = name ?? this.#naming.take(label, 'constant')
    const value = this.#sumText([
      { coefficient: name === undefined ? 1 : gain / this.#scale(at), text: `${variable}(t)` },
      ...(name === undefined || offset === 0 ? [] : [{ coefficient: offset, text: '' }]),
    ])
    const wanted = this.#labels.take(label, variable)
    const as = value === `${wanted}(t)` ? '' : ` as ${wanted}`
    const comment = printable(unit)
    return {
      statement: `probe ${value}${as};${comment && ` # ${comment}`}`,
      equation: name === undefined ? [`let diff[${variable}, t](t) = 0;`] : [],
      initial: name === undefined && constant !== 0 ? [`let ${variable}(t: 0) = ${this.#number(constant)};`] : [],
    }
  }

  /** What alone drives an integrator is, if it is one too, its derivative; without a probe of its own it gets the units of one. */
  #adopt({ output, x, k0 }: IntegratorElement, channels: readonly Channel[]): void {
    const [only, ...others] = x.terms
    if (!only || others.length > 0 || x.constant !== 0 || scaleOf(only.output, channels) !== null) return
    if (!this.#network.integrators.some((one) => one.output === only.output)) return
    const scale = (-k0 / this.#pace) * this.#scale(output) * only.weight
    if (isScale(Math.abs(scale))) this.#scales.set(only.output, scale)
  }

  #value(element: AlgebraicElement): string {
    const scale = this.#scale(element.output)
    const { x } = element
    switch (element.kind) {
      case 'negation':
        return this.#sumText(this.#terms(x, -scale))
      case 'square': {
        const unit = this.#unitOf(x)
        const base = this.#factor(this.#terms(x, unit))
        return this.#product((scale / unit ** 2) * base.coefficient ** 2, [base.text && `${base.text} ^ 2`])
      }
      case 'root': {
        const unit = this.#unitOf(x)
        return this.#product(scale / Math.sqrt(unit), [`sqrt(${this.#sumText(this.#terms(x, -unit))})`])
      }
      case 'product': {
        const units = [this.#unitOf(x), this.#unitOf(element.y)] as const
        const a = this.#factor(this.#terms(x, units[0]))
        const b = this.#factor(this.#terms(element.y, units[1]))
        return this.#product((scale / units[0] / units[1]) * a.coefficient * b.coefficient, [a.text, b.text])
      }
      case 'quotient': {
        const units = [this.#unitOf(x), this.#unitOf(element.y)] as const
        const a = this.#factor(this.#terms(x, units[0]))
        const b = this.#factor(this.#terms(element.y, units[1]))
        const factor = ((scale / units[0]) * units[1] * a.coefficient) / b.coefficient
        const dividend = this.#product(factor, [a.text])
        return b.text === '' ? dividend : `${dividend} / ${b.text}`
      }
    }
  }

  /** The scale that leaves the fewest coefficients: that of the inputs, multiplied as the element does. */
  #naturalScale(element: AlgebraicElement): number {
    const x = this.#unitOf(element.x)
    const scale = ((): number => {
      switch (element.kind) {
        case 'negation':
          return x
        case 'square':
          return x * x
        case 'root':
          return Math.sqrt(x)
        case 'product':
          return x * this.#unitOf(element.y)
        case 'quotient':
          return x / this.#unitOf(element.y)
      }
    })()
    return scale >= SCALE.min && scale <= SCALE.max ? scale : 1
  }

  /** The factor by which the first term of a sum gets coefficient 1 or -1. */
  #unitOf(sum: Sum): number {
    const [first] = this.#terms(sum, 1)
    const unit = first ? Math.abs(1 / first.coefficient) : 1
    return unit >= SCALE.min && unit <= SCALE.max ? unit : 1
  }

  /** `factor` times the sum, in variables. */
  #terms({ terms, constant }: Sum, factor: number): Terms {
    const changing = terms.filter(({ output }) => this.#names.has(output))
    const fixed = factor * constantOf({ terms, constant }, this.#constants)
    return [
      ...changing.map(({ weight, output }) => ({
        coefficient: (factor * weight) / this.#scale(output),
        text: this.#read(output),
      })),
      ...(fixed === 0 ? [] : [{ coefficient: fixed, text: '' }]),
    ]
  }

  /** A sum as one factor of a product; a single term gives its coefficient away. */
  #factor(terms: Terms): { readonly coefficient: number; readonly text: string } {
    const [only, ...others] = terms
    if (only && others.length === 0) return only
    return only ? { coefficient: 1, text: `(${this.#sumText(terms)})` } : { coefficient: 0, text: '' }
  }

  #product(coefficient: number, factors: readonly string[]): string {
    const text = factors.filter((factor) => factor !== '').join(' * ')
    const number = this.#number(coefficient)
    if (text === '' || number === '0') return number
    if (number === '1') return text
    return number === '-1' ? `-${text}` : `${number} * ${text}`
  }

  #sumText(terms: Terms): string {
    const written = terms.map(({ coefficient, text }) => this.#product(coefficient, [text]))
    return written.length === 0 ? '0' : written.join(' + ').replaceAll(' + -', ' - ')
  }

  #number(value: number): string {
    return String(shortest(value, this.#tolerance) + 0)
  }

  #name(output: number): string {
    const name = this.#names.get(output)
    invariant(name !== undefined, 'every element in use has a name')
    return name
  }

  /** A variable at time t; an input has no argument. */
  #read(output: number): string {
    return this.#network.inputs.some((one) => one.output === output) ? this.#name(output) : `${this.#name(output)}(t)`
  }

  #scale(output: number): number {
    const scale = this.#scales.get(output)
    return scale ?? 1
  }
}

/** Machine values of the elements that no integrator reaches. */
function constantsOf(groups: readonly Group[]): Map<number, number> {
  const constants = new Map<number, number>()
  for (const { elements, loop } of groups)
    for (const element of elements) {
      const value = loop ? null : constantValue(element, constants)
      if (value !== null && Number.isFinite(value)) constants.set(element.output, value)
    }
  return constants
}

/** Null when it changes in time. */
function constantValue(element: AlgebraicElement, constants: ReadonlyMap<number, number>): number | null {
  const settled = (sum: Sum): number | null =>
    sum.terms.every(({ output }) => constants.has(output)) ? constantOf(sum, constants) : null
  const x = settled(element.x)
  switch (element.kind) {
    case 'negation':
      return x === null ? null : -x
    case 'square':
      return x === null ? null : x * x
    case 'root':
      return x === null ? null : Math.sqrt(-x)
    case 'product': {
      const y = settled(element.y)
      if (x === 0 || y === 0) return 0
      return x === null || y === null ? null : x * y
    }
    case 'quotient': {
      const y = settled(element.y)
      if (x === 0) return 0
      return x === null || y === null ? null : x / y
    }
  }
}

/** The part of a sum that is fixed. */
function constantOf(
  { terms, constant }: Pick<Sum, 'terms' | 'constant'>,
  constants: ReadonlyMap<number, number>,
): number {
  return terms.reduce((sum, { weight, output }) => sum + weight * (constants.get(output) ?? 0), constant)
}

/** The gain of the first probe that says what an output's physical value is. */
function scaleOf(output: number, channels: readonly Channel[]): number | null {
  const meant = channels.filter(({ at, gain }) => at === output && isScale(Math.abs(gain)))
  return (meant.find(({ offset }) => offset === 0) ?? meant[0])?.gain ?? null
}

function isScale(value: number): boolean {
  return value >= SCALE.min && value <= SCALE.max
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A unit as a comment: on one line, without what could hide text. */
function printable(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, 40)
}
