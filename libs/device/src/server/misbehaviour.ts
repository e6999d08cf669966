/**
 * What can be wrong with a device, as a list: each entry is a way in which the run data of a virtual device departs
 * from the protocol. With them everything that drives devices is tested, and a hub can be rehearsed before its first
 * real machine fails. Chance follows from a seed.
 */
import { Problem } from '@lucihub/analog'

/** The argument of an entry: a share of all chunks, a number of something, ms, or nothing. */
interface MisbehaviourRow {
  readonly argument: {
    readonly name: string
    readonly min: number
    readonly max: number
    readonly default: number
  } | null
  readonly meaning: string
}

const share = (chance: number) => ({ name: 'share', min: 0, max: 1, default: chance })
const number = (name: string, max: number, usual: number) => ({ name, min: 0, max, default: usual })
const CHUNKS_MAX = 1e6

export const MISBEHAVIOURS = {
  'drop-chunks': { argument: share(0.01), meaning: 'loses a share of its chunks' },
  'duplicate-chunks': { argument: share(0.1), meaning: 'sends a share of its chunks twice' },
  'reorder-chunks': { argument: share(0.1), meaning: 'sends a share of its chunks after their successors' },
  'corrupt-chunks': { argument: share(0.01), meaning: 'cuts a share of its chunks short' },
  'udp-loss': { argument: share(0.01), meaning: 'loses a share of its chunks where they are datagrams' },
  'never-done': { argument: null, meaning: 'does not report the end of a run' },
  'done-twice': { argument: null, meaning: 'reports the end of a run twice' },
  'early-done': { argument: null, meaning: 'reports the end of a run before its last chunk' },
  garbage: { argument: number('chunk', CHUNKS_MAX, 1), meaning: 'sends random bytes after so many chunks' },
  'length-lie': {
    argument: number('bytes', 2 ** 40, 1e6),
    meaning: 'announces so many bytes more than a chunk has',
  },
  'foreign-run': { argument: number('frames', 10_000, 1), meaning: 'sends frames of an unknown run before each chunk' },
  'stale-run': { argument: number('frames', 10_000, 1), meaning: 'sends frames of its last run before each chunk' },
  disconnect: { argument: number('chunk', CHUNKS_MAX, 1), meaning: 'closes the connection after so many chunks' },
  silence: { argument: number('chunk', CHUNKS_MAX, 1), meaning: 'says nothing more after so many chunks' },
  slow: { argument: number('ms', 60_000, 10), meaning: 'waits before every chunk' },
  flood: { argument: number('frames', 10_000, 1_000), meaning: 'sends so many more chunks after each' },
  'backend-lost': {
    argument: number('chunk', CHUNKS_MAX, 1),
    meaning: 'loses a carrier after so many chunks, as a proxy',
  },
} as const satisfies Record<string, MisbehaviourRow>

export type MisbehaviourMode = keyof typeof MISBEHAVIOURS
export const MISBEHAVIOUR_MODES = Object.keys(MISBEHAVIOURS) as readonly MisbehaviourMode[]

export interface Misbehaviour {
  readonly mode: MisbehaviourMode
  /** As {@link MISBEHAVIOURS} says; 0 where there is none. */
  readonly argument: number
}

/** Reads `mode` or `mode=argument`. Throws a Problem `validation-failed` that says what there is. */
export function parseMisbehaviour(text: string): Misbehaviour {
  const [name = '', given] = text.split('=')
  const mode = MISBEHAVIOUR_MODES.find((one) => one === name)
  if (!mode)
    throw new Problem('validation-failed', `There is no misbehaviour ${name}; use ${MISBEHAVIOUR_MODES.join(', ')}.`)
  const { argument }: MisbehaviourRow = MISBEHAVIOURS[mode]
  if (given === undefined) return { mode, argument: argument?.default ?? 0 }
  if (!argument) throw new Problem('validation-failed', `${mode} takes no argument.`)
  const value = Number(given)
  if (given.trim() === '' || !(value >= argument.min && value <= argument.max)) {
    throw new Problem('validation-failed', `${mode} takes a ${argument.name} of ${argument.min} to ${argument.max}.`)
  }
  return { mode, argument: value }
}

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
