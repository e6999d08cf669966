import type {
  CarrierConfiguration,
  ClusterConfiguration,
  Configuration,
  ConstantValue,
  IntegratorRate,
  Lane,
  MBlockConfiguration,
  Sector,
} from '@lucihub/analog'
import { mBlockKind, mdrOperation } from '../enums.ts'
import type { ConfigurationMessage } from '../messages.ts'

type Carrier = ConfigurationMessage['carriers'][number]
type Cluster = Carrier['clusters'][number]
type Slot = Cluster['slots'][number]

export function configurationToProto(configuration: Configuration): ConfigurationMessage {
  return {
    probes: configuration.probes,
    problemTimePerSecond: configuration.problemTimePerSecond,
    carriers: configuration.carriers.map(({ carrier, adc, clusters, hops = [], backplane = [], inputs = [] }) => ({
      carrier,
      adc,
      clusters: clusters.map(clusterToProto),
      hops: hops.map(({ lane, from, to }) => ({ lane, fromSector: sectorToProto(from), toSector: sectorToProto(to) })),
      backplane: backplane.map(({ lane, from, to }) => ({ lane, fromPlace: from, toPlace: to })),
      inputs,
    })),
  }
}

export function configurationFromProto(message: ConfigurationMessage): Configuration {
  return {
    probes: message.probes.map(({ label, unit }) => ({ label, unit })),
    problemTimePerSecond: message.problemTimePerSecond,
    carriers: message.carriers.map(({ carrier, adc, clusters, hops, backplane, inputs }) => ({
      carrier,
      adc: adc.map(({ output, gain, offset, probe }) => ({ output, gain, offset, probe })),
      clusters: clusters.map(clusterFromProto),
      ...hopsFromProto({ hops, backplane }),
      ...(inputs.length > 0 && { inputs: inputs.map(({ port, name, gain }) => ({ port, name, gain })) }),
    })),
  }
}

/** Absent, not empty, where nothing hops: that is how the domain says it. */
function hopsFromProto({
  hops,
  backplane,
}: Pick<Carrier, 'hops' | 'backplane'>): Pick<CarrierConfiguration, 'hops' | 'backplane'> {
  return {
    ...(hops.length > 0 && {
      hops: hops.map(({ lane, fromSector, toSector }) => ({
        lane,
        from: sectorFromProto(fromSector),
        to: sectorFromProto(toSector),
      })),
    }),
    ...(backplane.length > 0 && {
      backplane: backplane.map(({ lane, fromPlace, toPlace }) => ({ lane, from: fromPlace, to: toPlace })),
    }),
  }
}

function sectorToProto(sector: Sector): number {
  return sector === 'backplane' ? 0 : sector + 1
}

function sectorFromProto(sector: number): Sector {
  return sector === 0 ? 'backplane' : sector - 1
}

function clusterToProto(cluster: ClusterConfiguration): Cluster {
  return {
    index: cluster.index,
    constant: cluster.constant ?? 0,
    lanes: cluster.lanes.map(({ lane, source, coefficient, upscaled, sinks }) => ({
      lane,
      coefficient,
      upscaled,
      sinks,
      sourcePlusOne: source === null ? 0 : source + 1,
    })),
    slots: cluster.slots.map(slotToProto),
  }
}

function clusterFromProto(cluster: Cluster): ClusterConfiguration {
  const [first = null, second = null] = cluster.slots.map(slotFromProto)
  return {
    index: cluster.index,
    constant: cluster.constant === 0 ? null : (cluster.constant as ConstantValue),
    lanes: cluster.lanes.map(({ lane, sourcePlusOne, coefficient, upscaled, sinks }): Lane => ({
      lane,
      coefficient,
      upscaled,
      sinks: [...sinks],
      source: sourcePlusOne === 0 ? null : sourcePlusOne - 1,
    })),
    slots: [first, second],
  }
}

function slotToProto(slot: MBlockConfiguration | null): Slot {
  if (!slot) return { kind: 0, integrators: [], operations: [] }
  return {
    kind: mBlockKind.toProto(slot.kind),
    integrators: slot.kind === 'MINT' ? slot.integrators : [],
    operations: slot.kind === 'MDR' ? slot.operations.map(mdrOperation.toProto) : [],
  }
}

function slotFromProto(slot: Slot): MBlockConfiguration | null {
  if (slot.kind === 0) return null
  const kind = mBlockKind.fromProto(slot.kind)
  if (kind === 'MMUL') return { kind }
  if (kind === 'MDR') return { kind, operations: slot.operations.map(mdrOperation.fromProto) }
  return {
    kind,
    integrators: slot.integrators.map(({ element, ic, k0, limiter }) => ({
      element,
      ic,
      k0: k0 as IntegratorRate,
      limiter,
    })),
  }
}
