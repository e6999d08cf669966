/** Quantities on the command line, with the suffixes that people use: `20ms`, `1.5s`, `200us`; `50k`, `1M`. */
import { InvalidArgumentError } from 'commander'

const NS_PER: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, min: 60e9 }
const TIMES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6 }
const NUMBER = '([0-9]+(?:\\.[0-9]+)?(?:e[0-9]+)?)'

/** Nanoseconds, whole. Throws commander's InvalidArgumentError, which names the option. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = new RegExp(`^${NUMBER} ?([a-zµμ]+)$`).exec(text.trim()) ?? []
  const perUnit = Object.hasOwn(NS_PER, unit) ? NS_PER[unit] : undefined
  if (digits === '' || perUnit === undefined) {
    throw new InvalidArgumentError('A duration is a number with a unit: 200us, 20ms, 1.5s, 2min.')
  }
  const ns = Math.round(Number(digits) * perUnit)
  if (!Number.isSafeInteger(ns)) throw new InvalidArgumentError('This duration is too long.')
  return ns
}

/** A rate or a count as a whole number. */
export function parseCount(text: string): number {
  const [, digits = '', suffix = ''] = new RegExp(`^${NUMBER} ?([kM]?)$`).exec(text.trim()) ?? []
  const count = Number(digits) * (TIMES[suffix] ?? NaN)
  if (digits === '' || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('This is a whole number, perhaps with k or M: 10000, 50k, 1M.')
  }
  return count
}

/** A place on the time axis: an op time such as `1.5ms`, or a sample such as `#1000`. */
export function parsePosition(text: string): number | `#${number}` {
  const sample = /^#([0-9]+)$/.exec(text.trim())
  return sample ? `#${Number(sample[1])}` : parseDuration(text) / 1e9
}

/** The shortest way to say a duration exactly, with at most six digits after the point. */
export function formatDuration(ns: number): string {
  const units = [
    ['s', 1e9],
    ['ms', 1e6],
    ['us', 1e3],
    ['ns', 1],
  ] as const
  const [unit, perUnit] = units.find(([, per]) => Math.abs(ns) >= per) ?? ['ns', 1]
  return `${Number((ns / perUnit).toFixed(6))} ${unit}`
}

/** Thousands apart, by thin spaces that every terminal shows: `12 300`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** Four significant digits, without trailing zeros. */
export function formatNumber(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value)
}

/** A part of a whole as a percentage. */
export function formatPercent(part: number): string {
  return `${formatNumber(part * 100)} %`
}
