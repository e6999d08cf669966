/** Options that several commands share, and those with a closed set of values. */
import {
  INTEGRATOR_RATES,
  RUN_KINDS,
  RUN_STATES,
  type IntegratorRate,
  type RunKind,
  type RunState,
} from '@lucihub/analog'
import { InvalidArgumentError, Option } from 'commander'
import { parseCount, parseDuration } from './show/duration.ts'

/** `--op-time`, 100 ms unless given. */
export function opTimeOption(description: string): Option {
  return new Option('--op-time <duration>', description).argParser(parseDuration).default(100e6, '100ms')
}

export function parseIntegratorRate(text: string): IntegratorRate {
  const rate = INTEGRATOR_RATES.find((candidate) => candidate === parseCount(text))
  if (rate === undefined) throw new InvalidArgumentError(`Use ${INTEGRATOR_RATES.join(' or ')}.`)
  return rate
}

/** Comma-separated, in upper or lower case. */
export function parseStates(text: string): RunState[] {
  return oneOf(text.toUpperCase(), RUN_STATES)
}

export function parseKinds(text: string): RunKind[] {
  return oneOf(text.toLowerCase(), RUN_KINDS)
}

/** `x,z`: two labels or indices of channels. */
export function parsePair(text: string): readonly [string, string] {
  const [x, y, ...more] = text.split(',').map((label) => label.trim())
  if (!x || !y || more.length > 0) throw new InvalidArgumentError('Use two channels: x,z.')
  return [x, y]
}

/** A part of a whole, above 0 and at most 1: `1%`, `0.01`. */
export function parseShare(text: string): number {
  const [, digits = '', percent] = /^([0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?) ?(%?)$/.exec(text.trim()) ?? []
  const share = Number(digits) / (percent ? 100 : 1)
  if (digits === '' || !(share > 0 && share <= 1))
    throw new InvalidArgumentError('This is a part of full scale: 1%, 0.5%, 0.002.')
  return share
}

export function parseList(text: string): string[] {
  return text.split(',').map((member) => member.trim())
}

function oneOf<Word extends string>(text: string, words: readonly Word[]): Word[] {
  return parseList(text).map((member) => {
    const word = words.find((candidate) => candidate === member)
    if (word === undefined) throw new InvalidArgumentError(`'${member}' is none of ${words.join(', ')}.`)
    return word
  })
}
