/** Seeded randomness: Chris Doty-Humphrey's sfc32, small, fast and of good quality, so that noise can be repeated. */

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number
}

/** The same seed (an integer, taken modulo 2^32) gives the same numbers for ever. */
export function random(seed: number): Random {
  let a = 0
  let b = 0x9e3779b9
  let c = seed | 0
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < 15; i++) next()

  const uniform = (): number => next() / 4_294_967_296
  let spare = NaN
  return {
    uniform,
    normal() {
      if (spare === spare) {
        const value = spare
        spare = NaN
        return value
      }
      // Marsaglia's polar method makes two at a time.
      for (;;) {
        const x = 2 * uniform() - 1
        const y = 2 * uniform() - 1
        const square = x * x + y * y
        if (square === 0 || square >= 1) continue
        const scale = Math.sqrt((-2 * Math.log(square)) / square)
        spare = y * scale
        return x * scale
      }
    },
  }
}
