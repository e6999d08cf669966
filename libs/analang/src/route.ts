/**
 * Puts every weighted connection on lanes. A lane carries a coefficient of at most 1, upscaled one of at most 8;
 * larger weights are split evenly. The constant stands in for clane 15 on the lower lanes and for clane 14
 * on the upper ones, so while it is on, those two outputs can only be had from the other half.
 */
import { CONSTANT_CLANE, invariant, UPPER_LANES, type DeviceSpecification, type Lane } from '@lucihub/analog'
import type { Circuit } from './circuit.ts'
import { issue, quoted, staged, type Issue, type Staged } from './diagnostics.ts'
import type { Placement } from './place.ts'
import { lanesFor, type Connection, type ScaledCircuit } from './scale.ts'
import { lanesIssue } from './synthesize.ts'

export interface Routing {
  readonly lanes: readonly Lane[]
  /** Whether the cluster's constant source is on, at +1. */
  readonly constant: boolean
}

/** A coefficient has 11 bits and a sign. */
const COEFFICIENT_STEP = 1 / 2048

export function route(
  circuit: Circuit,
  scaled: ScaledCircuit,
  { elements }: Placement,
  device: DeviceSpecification,
): Staged<Routing> {
  const connections = scaled.connections.filter(({ weight }) => weight !== 0)
  const constant = connections.some(({ source }) => source === 'constant')
  const wanted = connections.flatMap((connection): Wanted[] => {
    const sink = elements[connection.sink]?.inputs[connection.input]
    const source = connection.source === 'constant' ? 'constant' : elements[connection.source]?.output
    invariant(sink !== undefined && source !== undefined, 'every signal is placed')
    return partsOf(connection.weight, device).map((part) => ({
      source,
      sink,
      ...part,
      half: constant ? halfOf(source) : null,
    }))
  })
  const lanes = assign(wanted, device.lanes)
  if (!lanes) return staged({ lanes: [], constant }, [lanesIssue(wanted.length, device.lanes)])
  return staged(
    { lanes, constant },
    connections.flatMap((connection) => resolutionIssue(connection, circuit)),
  )
}

interface Wanted {
  readonly source: number | 'constant'
  readonly sink: number
  readonly coefficient: number
  readonly upscaled: boolean
  /** Null where any lane will do. */
  readonly half: 'lower' | 'upper' | null
}

/** A weight as equal coefficients. More parts than lanes are not worth listing: a single one too many says enough. */
function partsOf(weight: number, device: DeviceSpecification): { coefficient: number; upscaled: boolean }[] {
  const { coefficientMax, upscaling, lanes } = device
  const count = Math.min(lanesFor(weight, device), lanes + 1)
  const part = weight / count
  const upscaled = Math.abs(part) > coefficientMax
  return Array.from({ length: count }, () => ({ coefficient: upscaled ? part / upscaling : part, upscaled }))
}

function halfOf(source: Wanted['source']): Wanted['half'] {
  if (source === CONSTANT_CLANE.lowLanes) return 'upper'
  return source === CONSTANT_CLANE.highLanes ? 'lower' : null
}

/** Lowest lanes first; routes bound to one half choose before the others. Null when the lanes do not suffice. */
function assign(wanted: readonly Wanted[], count: number): Lane[] | null {
  const free = new Set(Array.from({ length: count }, (_, lane) => lane))
  const routed: Lane[] = []
  for (const { source, sink, coefficient, upscaled, half } of [
    ...wanted.filter((one) => one.half),
    ...wanted.filter((one) => !one.half),
  ]) {
    const lane = [...free].find((candidate) => half === null || (half === 'lower') === candidate < UPPER_LANES)
    if (lane === undefined) return null
    free.delete(lane)
    const constantClane = lane < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes
    routed.push({ lane, source: source === 'constant' ? constantClane : source, coefficient, upscaled, sinks: [sink] })
  }
  return routed.sort((a, b) => a.lane - b.lane)
}

function resolutionIssue({ source, sink, weight }: Connection, { signals }: Circuit): Issue[] {
  if (Math.abs(weight) >= COEFFICIENT_STEP / 2) return []
  const target = signals[sink]
  const name = source === 'constant' ? 'the constant' : quoted(signals[source]?.name ?? '')
  return [
    issue(
      'ANA0404',
      target && target.kind !== 'product' ? target.range : null,
      `the weight of ${name} in ${quoted(target?.name ?? '')} is ${Number(Math.abs(weight).toPrecision(2))}, below the step of a coefficient`,
      'variables of very different size or pace do not share a machine well',
    ),
  ]
}
