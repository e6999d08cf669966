/**
 * Circuits as the JSON-lines generation writes them: block by block as lists indexed by lane or clane. A file is one
 * carrier (`{"/0": …, "adc_channels": …}`, as lucipy writes it) or several by their MAC addresses, with the T block
 * of an mREDAC. That generation upscales by 10 where a {@link Configuration} means 8; `upscaling.ts` converts.
 * Whatever is malformed is reported, all at once, with a JSON pointer into the file.
 */
import {
  ADC_CHANNELS,
  CLANES,
  INTEGRATOR_RATES,
  isMac,
  LANES,
  LOCAL_LANES,
  M_BLOCK_WIDTH,
  FIRST_PORT_LANE,
  PORTABLE_CARRIER,
  PORTS,
  type AdcChannel,
  type CarrierConfiguration,
  type ClusterConfiguration,
  type Configuration,
  type ConstantValue,
  type Hop,
  type IntegratorConfiguration,
  type Lane,
  type MBlockConfiguration,
  type Sector,
  type Violation,
  UPSCALING,
  type PortInput,
} from '@lucihub/analog'
import { entriesOf, Findings, flag, indexUpTo, membersOf, numberIn, refuseOthers, type Field } from './json-fields.ts'
import { unnamedInput } from './configuration-reader.ts'
import { rescaled } from './upscaling.ts'

/** `configuration` is null exactly when there are violations. Their pointers lead into the file. */
export interface CircuitReading {
  readonly configuration: Configuration | null
  readonly violations: readonly Violation[]
}

/** Clusters of the largest carrier. */
const CLUSTERS = 3
const OUTPUTS = CLUSTERS * CLANES
/** Lanes 24..31 may take an external input instead of their C output. */
const CONSTANTS: readonly ConstantValue[] = [1, -1, 0.1, -0.1]
const MAC_KEY = /^([0-9A-F]{2}-){5}[0-9A-F]{2}$/i
/** Sectors of the T block: the backplane, then the clusters. */
const SECTORS = 4
const MUXES = (LANES - LOCAL_LANES) * SECTORS

/** What kind of file a document is; null when it is neither. */
export function circuitJsonKind(document: unknown): 'circuit' | 'carriers' | null {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return null
  const names = Object.keys(document).map((key) => key.replace(/^\//, ''))
  if (names.some((name) => MAC_KEY.test(name))) return 'carriers'
  return names.some((name) => /^\d$/.test(name) || name === 'adc_channels') ? 'circuit' : null
}

/** Reads a file of either kind. */
export function readCircuitJson(document: unknown): CircuitReading {
  const findings = new Findings()
  const root: Field = { pointer: '', value: document }
  const carriers =
    circuitJsonKind(document) === 'carriers'
      ? readCarriers(root, findings)
      : [readCarrier(PORTABLE_CARRIER, root, findings)]
  if (findings.violations.length > 0) return { configuration: null, violations: findings.violations }
  const converted = carriers.map(({ carrier, places }) => rescaled(carrier, places, findings))
  if (findings.violations.length > 0) return { configuration: null, violations: findings.violations }
  return { configuration: withProbes(converted), violations: [] }
}

/** A carrier as it was read, and where its clusters stand in the file. */
interface CarrierRead {
  readonly carrier: CarrierConfiguration
  readonly places: ReadonlyMap<number, string>
}

function readCarriers(root: Field, findings: Findings): CarrierRead[] {
  const members = membersOf(root, findings)
  refuseOthers(members, [MAC_KEY], findings)
  return [...members].flatMap(([name, field]) => {
    const mac = name.toUpperCase()
    return isMac(mac) ? [readCarrier(mac, field, findings)] : []
  })
}

function readCarrier(mac: string, field: Field, findings: Findings): CarrierRead {
  const members = membersOf(field, findings)
  // Front panel and control block compute nothing.
  refuseOthers(members, [/^[0-2]$/, 'T', 'adc_channels', 'acl_select', 'FP', 'CTRL', 'BP', /^ST[0-2]$/], findings)
  for (const [name, { pointer, value }] of members)
    if (/^ST[0-2]$/.test(name))
      findings.add({
        pointer,
        value,
        message: 'How this format numbers the switches of a backplane is not known, so they cannot be read.',
        remedy: 'Send the configuration as .apb.',
      })
  const clusters = [...members].filter(([name]) => /^[0-2]$/.test(name)).sort(([a], [b]) => Number(a) - Number(b))
  const hops = readHops(members.get('T'), findings)
  const adc = readAdc(members.get('adc_channels'), findings)
  const read = clusters.map(([name, cluster]) => readCluster(Number(name), cluster, findings))
  const inputs = readPorts(members.get('acl_select'), read, findings)
  return {
    carrier: {
      carrier: mac,
      clusters: read.map(withoutIdle),
      adc,
      ...(hops.length > 0 && { hops }),
      ...(inputs.length > 0 && { inputs }),
    },
    places: new Map(clusters.map(([name, { pointer }]) => [Number(name), pointer])),
  }
}

function readCluster(index: number, field: Field, findings: Findings): ClusterConfiguration {
  const blocks = membersOf(field, findings)
  refuseOthers(blocks, ['U', 'C', 'I', 'M0', 'M1', 'SH'], findings)
  const block = (name: string, fields: readonly string[]): Map<string, Field> => {
    const found = blocks.get(name)
    if (found === undefined || found.value === null) return new Map()
    const members = membersOf(found, findings)
    refuseOthers(members, fields, findings)
    return members
  }
  const u = block('U', ['outputs', 'constant'])
  const c = block('C', ['elements'])
  const i = block('I', ['outputs', 'upscaling'])
  const sources = entriesOf(u.get('outputs'), LANES, findings).map((entry) =>
    entry.value === null ? null : indexUpTo(entry, { max: CLANES - 1, what: 'An M-block output' }, findings),
  )
  const coefficients = entriesOf(c.get('elements'), LANES, findings).map((entry) =>
    entry.value === null ? 0 : (numberIn(entry, { min: -1, max: 1, what: 'A coefficient' }, findings) ?? 0),
  )
  const upscaling = entriesOf(i.get('upscaling'), LANES, findings).map((entry) => flag(entry, findings))
  const sinks = readSinks(i.get('outputs'), findings)
  const lanes = Array.from({ length: LANES }, (_, lane): Lane => ({
    lane,
    source: sources[lane] ?? null,
    coefficient: coefficients[lane] ?? 0,
    upscaled: upscaling[lane] ?? false,
    sinks: sinks[lane] ?? [],
  }))
  return {
    index,
    constant: readConstant(u.get('constant'), findings),
    // What is neither connected at one end nor at the other computes nothing.
    lanes: lanes.filter((lane) => lane.source !== null || lane.sinks.length > 0),
    slots: [
      readMBlock(block('M0', ['elements']).get('elements'), findings),
      readMBlock(block('M1', ['elements']).get('elements'), findings),
    ],
  }
}

/** The sinks of every lane, from the lanes of every sink. */
function readSinks(field: Field | undefined, findings: Findings): number[][] {
  const sinks = Array.from({ length: LANES }, (): number[] => [])
  entriesOf(field, CLANES, findings).forEach((entry, sink) => {
    const one = typeof entry.value === 'number' ? [entry] : entriesOf(entry, LANES, findings)
    for (const lane of one) {
      const number = indexUpTo(lane, { max: LANES - 1, what: 'A lane' }, findings)
      if (number !== null && !sinks[number]?.includes(sink)) sinks[number]?.push(sink)
    }
  })
  return sinks
}

/** True is the positive reference; files also say it as a number. */
function readConstant(field: Field | undefined, findings: Findings): ConstantValue | null {
  const { pointer = '', value } = field ?? {}
  if (value === undefined || value === null || value === false || value === 0) return null
  if (value === true) return 1
  const constant = CONSTANTS.find((known) => known === value)
  if (constant !== undefined) return constant
  findings.add({
    pointer,
    value,
    message: 'The constant source offers 1, -1, 0.1 and -0.1.',
    remedy: 'Send true, false or one of these, and scale it in the C block.',
  })
  return null
}

/** Integrators, or null for a block that sets nothing: a multiplier says the same as an absent one. */
function readMBlock(field: Field | undefined, findings: Findings): MBlockConfiguration | null {
  const integrators = entriesOf(field, M_BLOCK_WIDTH, findings).flatMap((entry, element): IntegratorConfiguration[] => {
    if (entry.value === null) return []
    const members = membersOf(entry, findings)
    refuseOthers(members, ['k', 'ic'], findings)
    const { k, ic } = { k: members.get('k'), ic: members.get('ic') }
    const k0 = k === undefined ? 10_000 : INTEGRATOR_RATES.find((rate) => rate === k.value)
    if (k && k0 === undefined)
      findings.add({
        ...k,
        message: `An integrator rate is ${INTEGRATOR_RATES.join(' or ')}.`,
        remedy: 'Send one of these.',
      })
    const value = ic === undefined ? 0 : numberIn(ic, { min: -1, max: 1, what: 'An initial condition' }, findings)
    return [{ element, ic: value ?? 0, k0: k0 ?? 10_000, limiter: false }]
  })
  return integrators.length > 0 ? { kind: 'MINT', integrators } : null
}

/** Files list all integrators of a block; those that nothing touches and that hold the reset values are left out. */
function withoutIdle(cluster: ClusterConfiguration): ClusterConfiguration {
  const { lanes, slots } = cluster
  const touched = new Set(lanes.flatMap(({ source, sinks }) => (source === null ? sinks : [source, ...sinks])))
  const kept = (block: MBlockConfiguration | null, slot: number): MBlockConfiguration | null => {
    if (block?.kind !== 'MINT') return block
    const integrators = block.integrators.filter(
      ({ element, ic, k0 }) => ic !== 0 || k0 !== 10_000 || touched.has(slot * M_BLOCK_WIDTH + element),
    )
    return integrators.length > 0 ? { kind: 'MINT', integrators } : null
  }
  return { ...cluster, slots: [kept(slots[0], 0), kept(slots[1], 1)] }
}

function readAdc(field: Field | undefined, findings: Findings): AdcChannel[] {
  return entriesOf(field, ADC_CHANNELS, findings).flatMap((entry) => {
    if (entry.value === null) return []
    const output = indexUpTo(entry, { max: OUTPUTS - 1, what: 'An ADC channel samples an output, which' }, findings)
    return output === null ? [] : [{ output, gain: 1, offset: 0, probe: 0 }]
  })
}

/** What differs from the reset state, in which every sector feeds itself. */
function readHops(field: Field | undefined, findings: Findings): Hop[] {
  if (field === undefined || field.value === null) return []
  const members = membersOf(field, findings)
  refuseOthers(members, ['muxes'], findings)
  return entriesOf(members.get('muxes'), MUXES, findings).flatMap((entry, index) => {
    if (entry.value === null) return []
    const state = indexUpTo(entry, { max: SECTORS - 1, what: 'A sector of the T block' }, findings)
    const to = index % SECTORS
    if (state === null || state === to) return []
    const lane = LOCAL_LANES + Math.floor(index / SECTORS)
    if (state === 0)
      findings.add({
        ...entry,
        message: `Lane ${lane} arrives over the backplane, whose switches this format does not carry.`,
        remedy: 'Send the configuration as .apb.',
      })
    return [{ lane, from: sectorOf(state), to: sectorOf(to) }]
  })
}

function sectorOf(number: number): Sector {
  return number === 0 ? 'backplane' : number - 1
}

/** Ports that take a signal in. One that leads nowhere is left out. */
function readPorts(
  field: Field | undefined,
  clusters: readonly ClusterConfiguration[],
  findings: Findings,
): PortInput[] {
  return entriesOf(field, PORTS, findings).flatMap((entry, port) => {
    const { pointer, value } = entry
    if (value !== null && value !== 'internal' && value !== 'external')
      findings.add({
        pointer,
        value,
        message: 'A port is "internal" or "external".',
        remedy: 'Send one of the two words.',
      })
    if (value !== 'external') return []
    const number = FIRST_PORT_LANE + port
    const lanes = clusters.flatMap((cluster) => cluster.lanes.filter(({ lane }) => lane === number))
    // The port bypasses the C block, so no coefficient makes up for the other gain.
    if (lanes.some(({ upscaled }) => upscaled))
      findings.add({
        pointer,
        value,
        message: `Lane ${number} takes the external input of port ${port} upscaled, by ${UPSCALING.jsonLines} there and by ${UPSCALING.protobuf} here.`,
        remedy: 'Take the input in without upscaling.',
      })
    return lanes.some(({ sinks }) => sinks.length > 0) ? [unnamedInput(port)] : []
  })
}

/** Channels are numbered through as probes, in the order of the file. */
function withProbes(carriers: readonly CarrierConfiguration[]): Configuration {
  let probes = 0
  const numbered = carriers.map((carrier) => ({
    ...carrier,
    adc: carrier.adc.map((channel) => ({ ...channel, probe: probes++ })),
  }))
  return {
    carriers: numbered,
    probes: Array.from({ length: probes }, (_, index) => ({ label: `probe ${index}`, unit: '' })),
    problemTimePerSecond: 0,
  }
}
