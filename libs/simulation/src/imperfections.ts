/**
 * What separates a real machine from the equations: coefficients that are a little off, summers with an offset,
 * outputs that saturate, and a converter with noise and finite resolution. All of it follows from one seed, run by run.
 */
import { ADC_FULL_SCALE, CLANES, LANES } from '@lucihub/analog'
import type { Random } from './random.ts'

export interface Imperfections {
  /** Integer. A machine with the same seed has the same errors and the same noise. */
  readonly seed: number
  /** Standard deviation of the relative error of a lane's gain. */
  readonly gainError: number
  /** Standard deviation of a summer's offset, machine units. */
  readonly offset: number
  /** Standard deviation of the converter's noise, machine units. */
  readonly noise: number
  /** Resolution of the converter, which then clips at full scale too; null for one without steps and limits. */
  readonly adcBits: number | null
  /**
   * Time constant with which IC charges an integrator, in units of 1 / k0; null for charged however short IC is. Not
   * published: slow integrators are known to need about 10 ms where fast ones need 100 us.
   */
  readonly charging: number | null
  /** Outputs saturate at plus and minus this, machine units; null: never, a circuit may run away. */
  readonly limits: number | null
}

/** Where amplifiers are taken to saturate: well above overload, above the converter's full scale. Not published. */
export const SATURATION = 1.4

/** The equations, kept finite: nothing within full scale differs from the ideal. */
export const IDEAL: Imperfections = {
  seed: 1,
  gainError: 0,
  offset: 0,
  noise: 0,
  adcBits: null,
  charging: null,
  limits: SATURATION,
}

/** A well calibrated machine: 0.1 % gain error, 14-bit converter, about one code of noise, charged after 20 time constants of the IC times above. */
export const REALISTIC: Imperfections = {
  seed: 1,
  gainError: 1e-3,
  offset: 2e-4,
  noise: 1.5e-4,
  adcBits: 14,
  charging: 0.05,
  limits: SATURATION,
}

/** The fixed errors of one cluster. */
export interface ClusterErrors {
  /** Factor on each lane's coefficient. */
  readonly gains: readonly number[]
  /** Added to each clane's sum. */
  readonly offsets: readonly number[]
}

/** Draws the errors of one cluster: every lane and clane has its own, whether it is used or not. */
export function drawErrors(imperfections: Imperfections, source: Random): ClusterErrors {
  return {
    gains: Array.from({ length: LANES }, () => 1 + imperfections.gainError * source.normal()),
    offsets: Array.from({ length: CLANES }, () => imperfections.offset * source.normal()),
  }
}

/** The converter as a function from an output's value to the value read, or null when it changes nothing. */
export function converter(imperfections: Imperfections, source: Random): ((value: number) => number) | null {
  const { noise, adcBits } = imperfections
  if (adcBits === null) return noise === 0 ? null : (value) => value + noise * source.normal()
  const codeMax = 2 ** adcBits - 1
  const perCode = (2 * ADC_FULL_SCALE) / codeMax
  return (value) => {
    const noisy = noise === 0 ? value : value + noise * source.normal()
    const code = Math.round((ADC_FULL_SCALE - noisy) / perCode)
    return ADC_FULL_SCALE - Math.min(codeMax, Math.max(0, code)) * perCode
  }
}
