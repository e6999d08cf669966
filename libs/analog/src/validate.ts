/**
 * Is a configuration one that a device can carry? Every rule of the device is looked at and every breach
 * reported at once, with the numbers, so that nobody mends one fault to meet the next. The check knows
 * nothing of how a configuration was made: compilers, imported circuits and tests all answer to it.
 */
import type { MBlockType } from './entity.ts'
import { carrierPosition } from './hops.ts'
import { CLANES, CONSTANT_CLANE, M_BLOCK_WIDTH, UPPER_LANES } from './limits.ts'
import type {
  AdcChannel,
  CarrierConfiguration,
  ClusterConfiguration,
  Configuration,
  Lane,
  MBlockConfiguration,
} from './configuration.ts'
import type { Violation } from './problem.ts'
import type { CarrierSpecification, ClusterSpecification, DeviceSpecification } from './specification.ts'
import { hopViolations } from './validate-hops.ts'

const CONSTANTS: readonly (number | null)[] = [null, 1, -1, 0.1, -0.1]
const MDR_OPERATIONS: readonly string[] = ['MULTIPLY', 'SQUARE', 'DIVIDE', 'SQRT', 'IDENT']
const MDR_ELEMENTS = 4

/** Every rule of the device that the configuration breaks; empty when it can be loaded. Pointers lead into the configuration. */
export function violationsOf(configuration: Configuration, specification: DeviceSpecification): Violation[] {
  const report = new Report()
  const seen = new Set<number>()
  configuration.carriers.forEach((carrier, index) => {
    const pointer = `/carriers/${index}`
    const position = carrierPosition(carrier.carrier, specification)
    if (position >= 0 && seen.has(position))
      report.add(
        `${pointer}/carrier`,
        carrier.carrier,
        'The carrier is configured twice.',
        'Put all its clusters into one entry.',
      )
    seen.add(position)
    const found = specification.carriers[position]
    if (found) checkCarrier(carrier, { pointer, carrier: found, specification, report })
    else
      report.add(
        `${pointer}/carrier`,
        carrier.carrier,
        'The device has no such carrier.',
        `Use ${specification.carriers.map((known) => known.id).join(' or ')}.`,
      )
  })
  report.violations.push(...hopViolations(configuration, specification))
  checkProbes(configuration, report)
  if (!(configuration.problemTimePerSecond >= 0 && Number.isFinite(configuration.problemTimePerSecond)))
    report.add(
      '/problemTimePerSecond',
      configuration.problemTimePerSecond,
      'The pace of problem time must be a number from 0 on.',
      'Use 0 when it is not known.',
    )
  return report.violations
}

interface Place {
  readonly pointer: string
  readonly carrier: CarrierSpecification
  readonly specification: DeviceSpecification
  readonly report: Report
}

function checkCarrier(configuration: CarrierConfiguration, place: Place): void {
  const { pointer, carrier, specification, report } = place
  const seen = new Set<number>()
  configuration.clusters.forEach((cluster, index) => {
    const at = `${pointer}/clusters/${index}`
    if (seen.has(cluster.index))
      report.add(`${at}/index`, cluster.index, 'The cluster is configured twice.', 'Put all its blocks into one entry.')
    seen.add(cluster.index)
    const found = carrier.clusters.find((known) => known.index === cluster.index)
    if (found) checkCluster(cluster, found, { ...place, pointer: at })
    else
      report.add(
        `${at}/index`,
        cluster.index,
        'The carrier has no such cluster.',
        `Use ${listOf(carrier.clusters.map((known) => known.index))}.`,
      )
  })
  if (configuration.adc.length > specification.adcChannels)
    report.add(
      `${pointer}/adc`,
      configuration.adc.length,
      `The carrier has ${specification.adcChannels} ADC channels.`,
      'Probe fewer signals.',
    )
  checkInputs(configuration, place)
  configuration.adc.forEach((channel, index) => checkAdc(channel, { ...place, pointer: `${pointer}/adc/${index}` }))
}

function checkInputs({ inputs = [] }: CarrierConfiguration, { pointer, carrier, report }: Place): void {
  const { ports = 0 } = carrier
  const seen = new Set<number>()
  inputs.forEach(({ port, gain }, index) => {
    const at = `${pointer}/inputs/${index}`
    if (!isIndex(port, ports))
      report.add(
        `${at}/port`,
        port,
        ports > 0 ? `The carrier has ports 0 to ${ports - 1}.` : 'The carrier has no ports.',
        ports > 0 ? 'Use a port that exists.' : 'Compile for a LUCIDAC.',
      )
    if (seen.has(port)) report.add(`${at}/port`, port, 'The port is used twice.', 'Give every signal its own port.')
    seen.add(port)
    if (!Number.isFinite(gain) || gain === 0)
      report.add(`${at}/gain`, gain, 'A gain is a finite number other than 0.', 'Use 1 for machine units.')
  })
}

function checkCluster(cluster: ClusterConfiguration, known: ClusterSpecification, place: Place): void {
  const { pointer, report } = place
  if (!CONSTANTS.includes(cluster.constant))
    report.add(
      `${pointer}/constant`,
      cluster.constant,
      'The constant source offers 1, -1, 0.1 and -0.1.',
      'Scale the value in the C block.',
    )
  const seen = new Set<number>()
  cluster.lanes.forEach((lane, index) => {
    const at = `${pointer}/lanes/${index}`
    if (seen.has(lane.lane))
      report.add(`${at}/lane`, lane.lane, 'The lane is used twice.', 'Give every route its own lane.')
    seen.add(lane.lane)
    checkLane(lane, cluster, known, { ...place, pointer: at })
  })
  cluster.slots.forEach((block, slot) => {
    if (block) checkBlock(block, known.slots[slot] ?? null, { ...place, pointer: `${pointer}/slots/${slot}` })
  })
}

function checkLane(lane: Lane, cluster: ClusterConfiguration, known: ClusterSpecification, place: Place): void {
  const { pointer, specification, report } = place
  if (!isIndex(lane.lane, specification.lanes))
    report.add(
      `${pointer}/lane`,
      lane.lane,
      `A cluster has lanes 0 to ${specification.lanes - 1}.`,
      'Use a lane that exists.',
    )
  if (!(Math.abs(lane.coefficient) <= specification.coefficientMax))
    report.add(
      `${pointer}/coefficient`,
      lane.coefficient,
      `A coefficient lies between -${specification.coefficientMax} and ${specification.coefficientMax}.`,
      `Upscale the lane (x${specification.upscaling}) or split the weight over several lanes.`,
    )
  if (lane.source !== null) {
    if (!isIndex(lane.source, CLANES))
      report.add(
        `${pointer}/source`,
        lane.source,
        `M-block outputs are 0 to ${CLANES - 1}.`,
        'Use an output that exists.',
      )
    else if (!isConstant(lane, cluster) && blockAt(known, lane.source) === null)
      report.add(
        `${pointer}/source`,
        lane.source,
        `Slot ${slotOf(lane.source)} holds no M block, so this output does not exist.`,
        'Use an output of a filled slot.',
      )
  }
  if (lane.sinks.length > 1)
    report.add(
      `${pointer}/sinks`,
      lane.sinks.join(','),
      'A lane feeds one input: its current would split among several.',
      'Use one lane for each input.',
    )
  lane.sinks.forEach((sink, index) => {
    if (!isIndex(sink, CLANES))
      report.add(
        `${pointer}/sinks/${index}`,
        sink,
        `M-block inputs are 0 to ${CLANES - 1}.`,
        'Use an input that exists.',
      )
    else if (blockAt(known, sink) === null)
      report.add(
        `${pointer}/sinks/${index}`,
        sink,
        `Slot ${slotOf(sink)} holds no M block, so this input does not exist.`,
        'Use an input of a filled slot.',
      )
  })
}

function checkBlock(block: MBlockConfiguration, fitted: MBlockType | null, place: Place): void {
  const { pointer, specification, report } = place
  if (block.kind !== fitted)
    report.add(
      `${pointer}/kind`,
      block.kind,
      fitted ? `The slot holds a ${fitted} block.` : 'The slot is empty.',
      'Compile for this device.',
    )
  if (block.kind === 'MINT') {
    const seen = new Set<number>()
    block.integrators.forEach((integrator, index) => {
      const at = `${pointer}/integrators/${index}`
      if (!isIndex(integrator.element, M_BLOCK_WIDTH))
        report.add(
          `${at}/element`,
          integrator.element,
          `A block has integrators 0 to ${M_BLOCK_WIDTH - 1}.`,
          'Use an integrator that exists.',
        )
      if (seen.has(integrator.element))
        report.add(`${at}/element`, integrator.element, 'The integrator is configured twice.', 'Keep one entry.')
      seen.add(integrator.element)
      if (!(Math.abs(integrator.ic) <= 1))
        report.add(`${at}/ic`, integrator.ic, 'An initial condition lies between -1 and 1.', 'Scale the variable down.')
      if (!specification.integratorRates.includes(integrator.k0))
        report.add(
          `${at}/k0`,
          integrator.k0,
          `The device offers k0 = ${listOf(specification.integratorRates)}.`,
          'Use one of these rates.',
        )
    })
  }
  if (block.kind === 'MDR') {
    if (block.operations.length > MDR_ELEMENTS)
      report.add(
        `${pointer}/operations`,
        block.operations.length,
        `An MDR block has ${MDR_ELEMENTS} elements.`,
        'List one operation for each element.',
      )
    block.operations.forEach((operation, index) => {
      if (!MDR_OPERATIONS.includes(operation))
        report.add(
          `${pointer}/operations/${index}`,
          operation,
          'The element has no such operation.',
          `Use ${listOf(MDR_OPERATIONS)}.`,
        )
    })
  }
}

function checkAdc(channel: AdcChannel, place: Place): void {
  const { pointer, carrier, report } = place
  const cluster = carrier.clusters.find((known) => known.index === Math.floor(channel.output / CLANES))
  if (!Number.isInteger(channel.output) || !cluster || blockAt(cluster, channel.output % CLANES) === null)
    report.add(
      `${pointer}/output`,
      channel.output,
      'The carrier has no such M-block output.',
      'An output is cluster * 16 + clane.',
    )
  if (!Number.isFinite(channel.gain))
    report.add(`${pointer}/gain`, channel.gain, 'A gain is a finite number.', 'Use 1 for machine units.')
  if (!Number.isFinite(channel.offset))
    report.add(`${pointer}/offset`, channel.offset, 'An offset is a finite number.', 'Use 0 for machine units.')
}

function checkProbes({ carriers, probes }: Configuration, report: Report): void {
  const channels = carriers.flatMap((carrier, index) =>
    carrier.adc.map((channel, position) => ({
      pointer: `/carriers/${index}/adc/${position}/probe`,
      probe: channel.probe,
    })),
  )
  const seen = new Set<number>()
  for (const { pointer, probe } of channels) {
    if (!isIndex(probe, probes.length))
      report.add(
        pointer,
        probe,
        `The configuration names ${probes.length} probes, counted from 0.`,
        'List the probe, or number it within the list.',
      )
    else if (seen.has(probe))
      report.add(pointer, probe, 'The probe is measured twice.', 'Give every probe one channel.')
    seen.add(probe)
  }
  probes.forEach((probe, index) => {
    if (!seen.has(index))
      report.add(
        `/probes/${index}`,
        probe.label,
        'No ADC channel measures this probe.',
        'Give every probe one channel.',
      )
  })
}

class Report {
  readonly violations: Violation[] = []

  add(pointer: string, value: string | number | null, message: string, remedy: string): void {
    this.violations.push({ pointer, value: String(value).slice(0, 80), message, remedy })
  }
}

function isIndex(value: number, length: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < length
}

function isConstant(lane: Lane, cluster: ClusterConfiguration): boolean {
  const clane = lane.lane < UPPER_LANES ? CONSTANT_CLANE.lowLanes : CONSTANT_CLANE.highLanes
  return cluster.constant !== null && lane.source === clane
}

function blockAt(cluster: ClusterSpecification, clane: number): MBlockType | null {
  return cluster.slots[slotOf(clane)] ?? null
}

function slotOf(clane: number): number {
  return Math.floor(clane / M_BLOCK_WIDTH)
}

function listOf(values: readonly (string | number)[]): string {
  return values.join(' or ')
}
