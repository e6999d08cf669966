/** What comes in at the ports of a simulated device. */

/** A signal over op time: machine units at an instant in s. */
export interface InputSignal {
  readonly at: (t: number) => number
  /** The longest step, s, that misses nothing of it; the integration would stride over a short pulse. Absent: no bound. */
  readonly maxStep?: number
}

/** By port of the device, ports of its first carrier first: carrier * 8 + port. Ports that are not named carry 0. */
export type InputSignals = Readonly<Record<number, InputSignal>>

export function constantSignal(value: number): InputSignal {
  return { at: () => value }
}

/** Straight lines between samples taken from op time 0 on; the last one holds. */
export function sampledSignal(values: ArrayLike<number>, sampleRateHz: number): InputSignal {
  const last = values.length - 1
  return {
    maxStep: 1 / sampleRateHz,
    at(t) {
      const position = Math.max(0, t * sampleRateHz)
      const before = Math.floor(position)
      if (before >= last) return values[last] ?? 0
      const [from, to] = [values[before] ?? 0, values[before + 1] ?? 0]
      return from + (to - from) * (position - before)
    },
  }
}
