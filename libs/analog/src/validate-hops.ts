/**
 * The rules of T block and backplane. Two sources for one destination lane cannot be built, so a second hop to the
 * same place is an error; a second hop from the same place would split the current of the lane among two sums.
 */
import type { BackplaneHop, CarrierConfiguration, Configuration, Sector } from './configuration.ts'
import { backplanePlace, carrierPosition } from './hops.ts'
import { BACKPLANE_PLACES, LOCAL_LANES } from './limits.ts'
import type { Violation } from './problem.ts'
import type { BackplaneSpecification, CarrierSpecification, DeviceSpecification } from './specification.ts'

/** Every breach of these rules; carriers that the device does not have are passed over. */
export function hopViolations(configuration: Configuration, specification: DeviceSpecification): Violation[] {
  return configuration.carriers.flatMap((carrier, index) => {
    const position = carrierPosition(carrier.carrier, specification)
    const known = specification.carriers[position]
    if (!known) return []
    const pointer = `/carriers/${index}`
    const onBackplane = backplanePlace(position, specification) !== null
    const held = specification.backplanes.find(({ holder }) => holder === known.id)
    return [
      ...tBlockViolations(carrier, { pointer: `${pointer}/hops`, known, onBackplane, specification }),
      ...backplaneViolations(carrier.backplane ?? [], { pointer: `${pointer}/backplane`, held, specification }),
    ]
  })
}

interface TBlock {
  readonly pointer: string
  readonly known: CarrierSpecification
  readonly onBackplane: boolean
  readonly specification: DeviceSpecification
}

function tBlockViolations({ hops = [], clusters }: CarrierConfiguration, place: TBlock): Violation[] {
  const { pointer, known, onBackplane, specification } = place
  if (hops.length > 0 && !known.tBlock)
    return [
      violation(
        pointer,
        hops.length,
        'The carrier has no T block: lanes stay in their cluster.',
        'Compile for this device.',
      ),
    ]
  const sectors: readonly Sector[] = [
    ...known.clusters.map((cluster) => cluster.index),
    ...(onBackplane ? (['backplane'] as const) : []),
  ]
  const arrives = new Set(hops.map(({ lane, to }) => `${lane}/${to}`))
  const taken = { from: new Set<string>(), to: new Set<string>() }
  return hops.flatMap((hop, index) => {
    const at = `${pointer}/${index}`
    const { lane, from } = hop
    const own = typeof from === 'number' && !arrives.has(`${lane}/${from}`)
    const sinks = clusters.find((cluster) => cluster.index === from)?.lanes.find((one) => one.lane === lane)?.sinks
    return [
      ...laneViolations(lane, at, specification),
      ...endViolations(hop, { pointer: at, sectors, taken, word: 'sector' }),
      ...(own && sinks && sinks.length > 0 ? [split(`${at}/from`, from)] : []),
    ]
  })
}

interface Backplane {
  readonly pointer: string
  readonly held: BackplaneSpecification | undefined
  readonly specification: DeviceSpecification
}

function backplaneViolations(hops: readonly BackplaneHop[], { pointer, held, specification }: Backplane): Violation[] {
  if (hops.length > 0 && !held)
    return [
      violation(
        pointer,
        hops.length,
        'The carrier holds no switches of a backplane.',
        'List them on the first carrier of a stack.',
      ),
    ]
  const sectors = Array.from({ length: BACKPLANE_PLACES }, (_, place) => place).filter((place) => held?.places[place])
  const taken = { from: new Set<string>(), to: new Set<string>() }
  return hops.flatMap((hop, index) => {
    const at = `${pointer}/${index}`
    return [
      ...laneViolations(hop.lane, at, specification),
      ...endViolations(hop, { pointer: at, sectors, taken, word: 'carrier' }),
    ]
  })
}

function laneViolations(lane: number, pointer: string, { lanes }: DeviceSpecification): Violation[] {
  if (Number.isInteger(lane) && lane >= LOCAL_LANES && lane < lanes) return []
  const remedy = 'Use one of these for what leaves a cluster.'
  return [violation(`${pointer}/lane`, lane, `Lanes ${LOCAL_LANES} to ${lanes - 1} can be switched.`, remedy)]
}

interface Ends {
  readonly pointer: string
  readonly sectors: readonly Sector[]
  /** Places that hops before this one took; this one is added. */
  readonly taken: { readonly from: Set<string>; readonly to: Set<string> }
  readonly word: string
}

function endViolations(
  hop: { readonly lane: number; readonly from: Sector; readonly to: Sector },
  { pointer, sectors, taken, word }: Ends,
): Violation[] {
  const found: Violation[] = []
  for (const end of ['from', 'to'] as const) {
    const at = `${pointer}/${end}`
    const key = `${hop.lane}/${hop[end]}`
    if (!sectors.includes(hop[end]))
      found.push(violation(at, hop[end], `There is no such ${word} here.`, `Use ${sectors.join(' or ')}.`))
    else if (taken[end].has(key))
      found.push(
        end === 'from'
          ? split(at, hop.from)
          : violation(at, hop.to, `Lane ${hop.lane} already arrives there from elsewhere.`, 'Use another lane.'),
      )
    taken[end].add(key)
  }
  if (hop.from === hop.to)
    found.push(violation(`${pointer}/to`, hop.to, 'A hop leads elsewhere.', 'Leave it out: lanes stay at home.'))
  return found
}

function split(pointer: string, from: Sector): Violation {
  return violation(
    pointer,
    from,
    'The lane is used twice: its current would split among two sums.',
    'Use one lane for each input.',
  )
}

function violation(pointer: string, value: string | number, message: string, remedy: string): Violation {
  return { pointer, value: String(value).slice(0, 80), message, remedy }
}
