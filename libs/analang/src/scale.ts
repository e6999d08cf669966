/**
 * Amplitude and time scaling. Each variable is divided by a round number somewhat above its largest value in
 * the reference solution, so that machine values stay within ±1; a product's scale is the product of its
 * factors' scales, so a multiplier takes signals unweighted and cannot overload. The pace of problem
 * time is given: `fit.ts` chooses it.
 */
import type { DeviceSpecification } from '@lucihub/analog'
import { inputsOf, type Circuit, type Contribution, type Signal } from './circuit.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import { problemTimePerSecond, type Pace } from './pace.ts'
import type { Reference } from './reference.ts'

export interface ScaledCircuit {
  readonly signals: readonly ScaledSignal[]
  readonly connections: readonly Connection[]
}

/** physical = machine * scale. */
export interface ScaledSignal {
  readonly scale: number
  readonly amplitude: number
  /** Integrators only: the setting of the device, which starts at -ic. */
  readonly ic: number
}

/** Adds weight * source to S of an element's input; the device's I block inverts, which weights allow for. */
export interface Connection {
  readonly source: number | 'constant'
  readonly sink: number
  /** 1 for the second input of a product, else 0. */
  readonly input: 0 | 1
  readonly weight: number
}

const ROUND = [1, 1.1, 1.25, 1.4, 1.6, 1.8, 2, 2.25, 2.5, 2.8, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 9, 10]
/** Scale factors are at least this much above the amplitude: the machine is not exact, and overload ends a run. */
const MARGIN = 1.1
/** The machine follows a chaotic solution for a while only, and then goes where others go. */
const CHAOTIC_MARGIN = 1.25
/** Smaller than this is zero for any machine. */
const NEGLIGIBLE = 1e-60
/**
 * A variable below this part of the largest one is taken for noise if large weights would be needed to resolve it: a
 * channel resolves 6e-5 of full scale, the reference solution 1e-5. At the front of a wave, where each mass has moved
 * much less than the one before, scales would otherwise fall without end, and every weight take several lanes.
 */
const NOISE = 1e-6
/** Lanes that carry a weight together: one, unless it is beyond what an upscaled lane does. */
export function lanesFor(weight: number, { coefficientMax, upscaling }: DeviceSpecification): number {
  return Math.max(1, Math.ceil(Math.abs(weight) / (coefficientMax * upscaling)))
}

export function scale(
  circuit: Circuit,
  reference: Reference,
  { pace, opTimeNs, device }: { pace: Pace; opTimeNs: number; device: DeviceSpecification },
): Staged<ScaledCircuit> {
  const perSecond = problemTimePerSecond(pace)
  const horizon = opTimeNs * 1e-9 * perSecond
  const scales = chosenScales(circuit, reference, { pace, device })
  const issues = [
    ...issuesOf(circuit, reference, { horizon, perSecond }),
    ...rangeIssues(circuit, reference, scales.scales),
  ]
  const signals = circuit.signals.map((signal, index) => {
    const scale = scales.scales[index] ?? 1
    const ic = signal.kind === 'integrator' ? inverted(signal.initial / scale) : 0
    return { scale, amplitude: reference.amplitudes[index] ?? 0, ic }
  })
  return staged({ signals, connections: connectionsOf(circuit, scales, pace) }, issues)
}

/** Scales as amplitudes have them, or raised to the noise where that saves lanes. */
function chosenScales(
  circuit: Circuit,
  reference: Reference,
  { pace, device }: { pace: Pace; device: DeviceSpecification },
): Scales {
  const { upscaling } = device
  const lanesOf = (scales: Scales): readonly number[] =>
    connectionsOf(circuit, scales, pace).map(({ weight }) => lanesFor(weight, device))
  const sum = (lanes: readonly number[]): number => lanes.reduce((total, count) => total + count, 0)
  const fine = scalesOf(circuit, reference, { upscaling, floor: 0 })
  const lanes = lanesOf(fine)
  if (lanes.every((count) => count === 1)) return fine
  const coarse = scalesOf(circuit, reference, { upscaling, floor: NOISE * largestVariable(circuit, reference) })
  return sum(lanesOf(coarse)) < sum(lanes) ? coarse : fine
}

function largestVariable({ signals }: Circuit, { amplitudes }: Reference): number {
  return signals.reduce(
    (largest, { kind }, index) => (kind === 'integrator' ? Math.max(largest, amplitudes[index] ?? 0) : largest),
    0,
  )
}

function connectionsOf({ signals }: Circuit, { scales, factorScales }: Scales, { divisor }: Pace): Connection[] {
  const scaleOf = (source: Contribution['source']): number => (source === 'constant' ? 1 : (scales[source] ?? 1))
  return signals.flatMap((signal, sink): Connection[] => {
    if ('factors' in signal) {
      // A root is taken of the inverted sum; elsewhere two inversions cancel.
      const sign = signal.kind === 'root' ? -1 : 1
      return signal.factors.flatMap((factor, input) =>
        factor.map(({ source, coefficient }) => ({
          source,
          sink,
          input: input === 0 ? (0 as const) : (1 as const),
          weight: (sign * coefficient * scaleOf(source)) / (factorScales[2 * sink + input] ?? 1),
        })),
      )
    }
    const factor = 1 / (scaleOf(sink) * (signal.kind === 'integrator' ? divisor : 1))
    return inputsOf(signal).map(({ source, coefficient }) => ({
      source,
      sink,
      input: 0,
      weight: inverted(coefficient * scaleOf(source) * factor),
    }))
  })
}

function issuesOf(
  { signals }: Circuit,
  { end, until, blamed, unboundedDrive }: Reference,
  { horizon, perSecond }: { horizon: number; perSecond: number },
): Issue[] {
  const signal = signals[blamed]
  const range = signal?.range ?? null
  const singular = signal && 'singular' in signal ? signal.singular : ''
  switch (end) {
    case 'complete':
      return unboundedDrive
        ? [
            issue(
              'ANA0409',
              null,
              'with the external inputs at full scale all the time the solution leaves every bound',
              'keep the inputs small or short, or give the inputs a narrower range',
            ),
          ]
        : []
    case 'undefined':
    case 'unbounded':
      if (singular)
        return [
          issue(
            'ANA0406',
            range,
            `${quoted(signal?.name ?? '')} has no value at problem time ${rounded(until)}, where ${singular}; the run would last until ${rounded(horizon)}`,
            `run for less than ${rounded((until / perSecond) * 1e3)} ms of op time, or choose other initial values`,
          ),
        ]
      return [
        issue(
          'ANA0401',
          range,
          `${quoted(signal?.name ?? '')} leaves every bound at problem time ${rounded(until)}; the run would last until ${rounded(horizon)}`,
          `run for less than ${rounded((until / perSecond) * 1e3)} ms of op time, or look for a wrong sign`,
        ),
      ]
    case 'step_limit':
      return [
        issue(
          'ANA0402',
          null,
          `the digital solution was followed to problem time ${rounded(until)}; the run lasts until ${rounded(horizon)}`,
          'watch for overload in the rest of the run',
        ),
      ]
  }
}

/** Channels resolve a tenth of full scale to a thousandth at best. */
const RESOLVED = 0.1

/** Where declared ranges, or scales that cannot be chosen freely, serve a signal badly. */
function rangeIssues({ signals, probes }: Circuit, { amplitudes, end }: Reference, scales: readonly number[]): Issue[] {
  if (end !== 'complete') return []
  const narrow = signals.flatMap((signal, index) => {
    const amplitude = amplitudes[index] ?? 0
    if (signal.kind === 'input' || signal.declared === null || amplitude <= signal.declared) return []
    return [
      issue(
        'ANA0407',
        signal.range,
        `${quoted(signal.name)} reaches ${rounded(amplitude)}, beyond its range of ±${rounded(signal.declared)}`,
        'widen the range, or leave it out',
      ),
    ]
  })
  const coarse = probes.flatMap(({ label, range, source }) => {
    if (signals[source]?.kind === 'input') return []
    const used = (amplitudes[source] ?? 0) / Math.abs(scales[source] ?? 1)
    if (used >= RESOLVED || used === 0) return []
    return [
      issue(
        'ANA0408',
        range,
        `${quoted(label)} uses ${rounded(used * 100)} % of full scale`,
        signals[source]?.kind === 'product' || signals[source]?.kind === 'square'
          ? 'probe the factors, and multiply them afterwards'
          : 'its scale follows from a wide range, or from large terms that nearly cancel',
      ),
    ]
  })
  return [...narrow, ...coarse]
}

interface Scales {
  readonly scales: number[]
  /** Of the inputs of multipliers, two entries per signal. */
  readonly factorScales: number[]
}

function scalesOf(
  { signals }: Circuit,
  { amplitudes, factors, chaotic }: Reference,
  { upscaling, floor }: { upscaling: number; floor: number },
): Scales {
  const margin = chaotic ? CHAOTIC_MARGIN : MARGIN
  const scales: number[] = []
  const factorScales: number[] = []
  const scaleOf = (source: Contribution['source']): number => (source === 'constant' ? 1 : (scales[source] ?? 1))
  /** A sum, where terms that nearly cancel ask for a larger scale: no weight beyond what one lane carries. */
  const ofSum = (amplitude: number, inputs: readonly Contribution[]): number => {
    const terms = inputs.map(({ source, coefficient }) => Math.abs(coefficient * scaleOf(source)))
    return roundAbove(Math.max(amplitude * margin, ...terms.map((term) => term / upscaling)))
  }
  for (const [index, signal] of signals.entries()) {
    const amplitude = amplitudes[index] ?? 0
    switch (signal.kind) {
      case 'integrator':
        scales.push(signal.declared ?? roundAbove(Math.max(amplitude * margin, floor)))
        break
      case 'sum':
        scales.push(signal.declared ?? ofSum(amplitude, signal.inputs))
        break
      case 'input':
        // An identity takes it on and inverts it.
        scales.push(-(signal.declared ?? 1))
        break
      case 'product':
      case 'square':
      case 'quotient':
      case 'root': {
        const inputScales = signal.factors.map((factor, input) => {
          const [only, ...others] = factor
          // A signal by itself is taken as it is, so that it takes one lane of weight 1.
          const isMultiplied = signal.kind === 'product' || signal.kind === 'square'
          return only && others.length === 0 && only.coefficient === 1 && (isMultiplied || scaleOf(only.source) > 0)
            ? scaleOf(only.source)
            : ofSum(factors[2 * index + input] ?? 0, factor)
        })
        const computed = computedScales(signal, inputScales, amplitude * margin)
        computed.inputs.forEach((scale, input) => (factorScales[2 * index + input] = scale))
        scales.push(computed.output)
      }
    }
  }
  return { scales, factorScales }
}

/** Of a computed signal and its inputs, given those at which the inputs stay within the machine, and what the output gets to. */
function computedScales(
  { kind, declared }: Extract<Signal, { factors: unknown }>,
  [a = 1, b = 1]: readonly number[],
  largest: number,
): { readonly inputs: readonly number[]; readonly output: number } {
  switch (kind) {
    case 'product':
      return { inputs: [a, b], output: a * b }
    case 'square':
      return { inputs: [a], output: a * a }
    case 'quotient': {
      // Whatever the divisor, the quotient of the scales is that of the output.
      const numerator = declared === null ? roundAbove(Math.max(a, largest * b)) : Math.max(a, declared * b)
      return { inputs: [numerator, b], output: numerator / b }
    }
    case 'root': {
      const output = declared ?? roundAbove(Math.sqrt(a))
      return { inputs: [Math.max(a, output * output)], output: Math.max(output, Math.sqrt(a)) }
    }
  }
}

/** The smallest round number that is not below; 1 for zero. */
function roundAbove(value: number): number {
  if (value < NEGLIGIBLE) return 1
  const decade = Math.floor(Math.log10(value))
  const power = (mantissa: number): number => Number(`${mantissa}e${decade}`)
  return power(ROUND.find((mantissa) => power(mantissa) >= value) ?? 10)
}

/** Negation that knows no negative zero. */
function inverted(value: number): number {
  return value === 0 ? 0 : -value
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)))
}
