/**
 * A configuration: the settings of every block, seen lane by lane. A lane takes one M-block output
 * (or the constant), weights it with a coefficient, perhaps upscales it, and adds it to one M-block
 * input. This is what a compiler makes, a device loads and a simulator integrates.
 * Signs are the hardware's: the I block inverts, so an integrator obeys dv/dt = -k0 * S and v(0) = -ic.
 */
import type { IntegratorRate } from './limits.ts'

/**
 * One of 32 paths U -> C -> I of a cluster. Only used lanes are listed. Where a hop takes the C output elsewhere or
 * brings another to the I block, source and coefficient belong to one route, upscaling and sinks to another.
 */
export interface Lane {
  /** 0..31 */
  readonly lane: number
  /** The clane 0..15 that the U block connects, or null for an open lane. 15 (lanes 0..15) and 14 (16..31) mean the constant while one is set. */
  readonly source: number | null
  /** C block factor, -1..1. */
  readonly coefficient: number
  /** I block gain: true for x8 (x10 on JSON-lines devices). */
  readonly upscaled: boolean
  /** The clanes 0..15 it is summed into; a physically sound configuration has at most one. */
  readonly sinks: readonly number[]
}

/** The constant source of a cluster, in machine units; null for ground. */
export type ConstantValue = 1 | -1 | 0.1 | -0.1

export type MdrOperation = 'MULTIPLY' | 'SQUARE' | 'DIVIDE' | 'SQRT' | 'IDENT'

/** Settings of the M block in one slot, by the block's type. */
export type MBlockConfiguration =
  | { readonly kind: 'MINT'; readonly integrators: readonly IntegratorConfiguration[] }
  | { readonly kind: 'MMUL' }
  | { readonly kind: 'MDR'; readonly operations: readonly MdrOperation[] }

/** One integrator. Elements not listed keep the reset value: ic 0, k0 10 000, no limiter. */
export interface IntegratorConfiguration {
  /** 0..7 within the block. */
  readonly element: number
  /** -1..1; the output starts at -ic. */
  readonly ic: number
  /** Integration rate in 1/s. */
  readonly k0: IntegratorRate
  readonly limiter: boolean
}

export interface ClusterConfiguration {
  readonly index: number
  readonly constant: ConstantValue | null
  readonly lanes: readonly Lane[]
  /** Slots 0 and 1; null where the slot is empty or untouched. */
  readonly slots: readonly [MBlockConfiguration | null, MBlockConfiguration | null]
}

/** One ADC channel. The reader applies `physical = machine * gain + offset`. */
export interface AdcChannel {
  /** Output sampled: cluster * 16 + clane. */
  readonly output: number
  readonly gain: number
  readonly offset: number
  /** Index of the user's probe, 0-based and contiguous over the device. */
  readonly probe: number
}

/** An end of a hop: a cluster of the carrier, by its index, or the backplane. */
export type Sector = number | 'backplane'

/**
 * A setting of the T block, which stands between the C and the I blocks of a carrier: what arrives at the I block of
 * cluster `to` on this lane is the C output of cluster `from` on the lane of the same number. The settings of such a
 * route are therefore in two places: source and coefficient with the lane of `from`, upscaling and sinks with the
 * lane of `to`.
 */
export interface Hop {
  /** 8..31 */
  readonly lane: number
  readonly from: Sector
  readonly to: Sector
}

/** A setting of the backplane: what carrier `from` hands over on this lane arrives at carrier `to`, by places in the stack. */
export interface BackplaneHop {
  /** 8..31 */
  readonly lane: number
  /** 0..6 */
  readonly from: number
  /** 0..6 */
  readonly to: number
}

/**
 * A port of the front panel that takes a signal in. It arrives at the I block on lane 24 + port with weight 1 (or
 * upscaled), in place of what that lane's U and C blocks make, which then only leads to the port's output.
 */
export interface PortInput {
  /** 0..7 */
  readonly port: number
  /** Of the signal, as its user named it. */
  readonly name: string
  /** physical = machine value * gain */
  readonly gain: number
}

export interface CarrierConfiguration {
  /** MAC address, or {@link portableCarrier} for the carrier at this position of any device of the kind. */
  readonly carrier: string
  readonly clusters: readonly ClusterConfiguration[]
  readonly adc: readonly AdcChannel[]
  /** Lanes that leave their cluster. Absent: every lane stays at home, as after a reset. */
  readonly hops?: readonly Hop[]
  /** Lanes that change carrier; only on the carrier that holds the backplane's switches, the first of its stack. */
  readonly backplane?: readonly BackplaneHop[]
  /** Ports that take a signal in. Absent: none, as after a reset. */
  readonly inputs?: readonly PortInput[]
}

/** A probe as its user named it. Its position in the list is its index. */
export interface Probe {
  readonly label: string
  readonly unit: string
}

/** All block settings of a device. */
export interface Configuration {
  readonly carriers: readonly CarrierConfiguration[]
  readonly probes: readonly Probe[]
  /** Problem time units that pass per second of op time; 0 when unknown. */
  readonly problemTimePerSecond: number
}
