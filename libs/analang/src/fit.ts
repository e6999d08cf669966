/**
 * Scale and layout depend on each other through the pace: the slower problem time passes, the smaller are the weights
 * and the lanes they take, and the shorter the stretch of problem time for which amplitudes have to allow. So the
 * fastest pace is tried first, and a slower one as long as lanes are what is short of.
 */
import type { DeviceSpecification } from '@lucihub/analog'
import { offerOf } from './capacity.ts'
import type { Circuit } from './circuit.ts'
import { issue, staged, type Issue, type Staged } from './diagnostics.ts'
import { isDivisible, layOut, type Layout } from './layout.ts'
import { DIVISORS, problemTimePerSecond, slowerPace, type Pace } from './pace.ts'
import { MOVES_MAX, type Work } from './partition.ts'
import { referenceOf } from './reference.ts'
import { lanesFor, scale, type ScaledCircuit } from './scale.ts'

/** A circuit that is scaled, and has its place on a device. */
export interface Fitted extends Layout {
  readonly pace: Pace
  readonly scaled: ScaledCircuit
}

/** The first pace, from `fastest` on, at which the circuit fits; else what is wrong at the slowest that was worth trying. */
export function fit(
  circuit: Circuit,
  { device, opTimeNs, fastest }: { device: DeviceSpecification; opTimeNs: number; fastest: Pace },
): Staged<Fitted> {
  const horizon = opTimeNs * 1e-9 * problemTimePerSecond(fastest)
  const referenceAt = referenceOf(circuit, { horizon, divisors: DIVISORS })
  const work: Work = { moves: MOVES_MAX }
  for (let pace = fastest; ;) {
    const { value: scaled, issues } = scale(circuit, referenceAt(pace.divisor), { pace, opTimeNs, device })
    if (!scaled) return { value: null, issues }
    const { value: layout, issues: shortages } = layOut(circuit, scaled, { device, work })
    if (layout) return staged({ pace, scaled, ...layout }, [...issues, ...shortages, ...slowed(pace, fastest)])
    const slower = relief(pace, scaled, { circuit, device, work })
    if (!slower) return { value: null, issues: [...issues, ...shortages] }
    pace = slower
  }
}

/** A slower pace, if large weights are what lanes run short of; all clusters' lanes count together. */
function relief(
  pace: Pace,
  scaled: ScaledCircuit,
  { circuit, device, work }: { circuit: Circuit; device: DeviceSpecification; work: Work },
): Pace | null {
  const isSplit = scaled.connections.some(({ weight }) => lanesFor(weight, device) > 1)
  if (!isSplit || work.moves <= 0) return null
  if (pace.divisor === 1 && !isDivisible(circuit, scaled, { device, work })) return null
  return slowerPace(pace, scaled, circuit, { ...device, lanes: offerOf(device, 0).lanes })
}

function slowed(pace: Pace, fastest: Pace): Issue[] {
  if (pace.divisor === fastest.divisor) return []
  return [
    issue(
      'ANA0403',
      null,
      `problem time passes at ${problemTimePerSecond(pace)} units per second instead of ${pace.k0}: the coefficients are large`,
      'the run covers a shorter stretch of problem time; give it a longer op time',
    ),
  ]
}
