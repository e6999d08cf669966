/**
 * How fast problem time passes on the machine. Integrators take k0 units of problem time per second; slower than that
 * by a divisor, all that flows into them gets smaller by it, and large weights take fewer lanes.
 */
import { invariant, type DeviceSpecification, type IntegratorRate } from '@lucihub/analog'
import type { Circuit } from './circuit.ts'
import { lanesFor, type ScaledCircuit } from './scale.ts'

/** k0 / divisor units of problem time per second of op time. The divisor is one of {@link DIVISORS}. */
export interface Pace {
  readonly k0: IntegratorRate
  readonly divisor: number
}

/** 1, 2, 5, 10, 20, …: problems in seconds with a dynamics of nanoseconds are still met. */
export const DIVISORS: readonly number[] = Array.from({ length: 10 }, (_, decade) =>
  [1, 2, 5].map((step) => Number(`${step}e${decade}`)),
).flat()

/** The pace to try first: with the given rate, or the fastest that the device offers (slow integrators take long to charge). */
export function fastestPace({ integratorRates }: DeviceSpecification, k0: IntegratorRate | undefined): Pace {
  const rate = k0 ?? [...integratorRates].sort((a, b) => b - a)[0]
  invariant(rate !== undefined, 'a device with integrators has a rate')
  return { k0: rate, divisor: 1 }
}

/**
 * The next slower pace at which the connections would fit, if amplitudes stayed as they are; null when none does.
 * Only what flows into integrators gets smaller with the pace.
 */
export function slowerPace(
  pace: Pace,
  { connections }: ScaledCircuit,
  circuit: Circuit,
  device: DeviceSpecification,
): Pace | null {
  const divisor = DIVISORS.find((candidate) => {
    if (candidate <= pace.divisor) return false
    const lanes = connections.map(({ weight, sink }) =>
      lanesFor(circuit.signals[sink]?.kind === 'integrator' ? (weight * pace.divisor) / candidate : weight, device),
    )
    return lanes.reduce((sum, count) => sum + count, 0) <= device.lanes
  })
  return divisor === undefined ? null : { ...pace, divisor }
}

export function problemTimePerSecond({ k0, divisor }: Pace): number {
  return k0 / divisor
}
