/** Chance from a seed: one seed, one sequence, on every machine. */

/** A source of numbers that depends on its seed alone. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number, both ends included. */
  whole(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(choices: readonly T[]): T
  /** Picks by weight. */
  weighted<T extends { readonly weight: number }>(choices: readonly T[]): T
}

/** Mulberry32: 32 bits of state are plenty for a schedule. */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const pick = <T>(choices: readonly T[]): T => {
    const chosen = choices[Math.floor(next() * choices.length)]
    if (chosen === undefined) throw new Error('nothing to pick from')
    return chosen
  }
  return {
    next,
    pick,
    whole: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    weighted(choices) {
      let left = next() * choices.reduce((sum, { weight }) => sum + weight, 0)
      return choices.find(({ weight }) => (left -= weight) < 0) ?? pick(choices)
    },
  }
}
