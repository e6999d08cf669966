/**
 * What follows from what: a shard's next state from a worker's words, a run's state from its shards. Pure, so that
 * every case is a row of a table in the spec.
 */
import { canBecome, isTerminal, type RunState } from '@lucihub/analog'
import type { MergePolicy } from '../runs/division.ts'

export interface ShardProgress {
  readonly index: number
  readonly state: RunState
  readonly requested: number
  readonly completed: number
  readonly etaS: number | null
  readonly attempt: number
  readonly workerId: string
  readonly error: string
}

/** What a worker says; what is absent stays. */
export interface ShardWord {
  readonly state?: RunState
  readonly completed?: number
  readonly requested?: number
  readonly etaS?: number | null
  readonly error?: string
  readonly workerId?: string
  /** Words about another attempt than the current one are ignored. */
  readonly attempt?: number
}

export type ShardOutcome =
  { readonly kind: 'accepted'; readonly shard: ShardProgress } | { readonly kind: 'ignored' | 'refused' }

/** Progress alone means that the shard is at work. */
export function updated(shard: ShardProgress, word: ShardWord): ShardOutcome {
  if (isTerminal(shard.state)) return { kind: 'ignored' }
  if (word.attempt && word.attempt !== shard.attempt) return { kind: 'ignored' }
  const state = word.state ?? (shard.state === 'QUEUED' ? 'RUNNING' : shard.state)
  const path = pathTo(shard.state, state)
  if (!path) return { kind: 'refused' }
  const requested = shard.requested === 0 ? (word.requested ?? 0) : shard.requested
  const again = state === 'QUEUED' && shard.state !== 'QUEUED'
  const told = again ? 0 : Math.max(shard.completed, word.completed ?? 0)
  const completed = state === 'COMPLETED' ? requested || told : requested > 0 ? Math.min(told, requested) : told
  return {
    kind: 'accepted',
    shard: {
      index: shard.index,
      state,
      requested: state === 'COMPLETED' && requested === 0 ? told : requested,
      completed,
      etaS: isTerminal(state) || again ? null : word.etaS === undefined ? shard.etaS : word.etaS,
      attempt: again ? shard.attempt + 1 : shard.attempt,
      workerId: again ? '' : word.workerId || shard.workerId,
      error: word.error ?? (isTerminal(state) ? shard.error : ''),
    },
  }
}

/** A word may leave out RUNNING: a worker that only says COMPLETED was at work. */
function pathTo(from: RunState, to: RunState): boolean {
  if (to === 'MERGE_QUEUED' || to === 'MERGING') return false
  return from === to || canBecome(from, to) || (from === 'QUEUED' && canBecome('RUNNING', to))
}

export interface RunFrame {
  readonly state: RunState
  readonly merge: MergePolicy
  /** Somebody stopped the run as a whole: whatever its shards did, this is how it ends. */
  readonly stopped: { readonly state: 'CANCELED' | 'TIMED_OUT' | 'FAILED'; readonly reason: string } | null
}

export interface RunOutcome {
  readonly state: RunState
  readonly reason: string
  /** Some shard did not complete. */
  readonly partial: boolean
}

/** The state of a run, from its shards. A run that is merged or over stays what it is. */
export function runStateOf(
  shards: readonly Pick<ShardProgress, 'index' | 'state' | 'error'>[],
  { state, merge, stopped }: RunFrame,
): RunOutcome {
  const stays: RunOutcome = { state, reason: '', partial: false }
  if (isTerminal(state)) return stays
  const open = shards.filter((shard) => !isTerminal(shard.state))
  if (open.length > 0) return { ...stays, state: openState(open, shards, state) }
  if (stopped) return { ...stopped, partial: true }
  if (state === 'MERGE_QUEUED' || state === 'MERGING') return stays

  const lost = shards.filter((shard) => shard.state !== 'COMPLETED')
  const completed = shards.length - lost.length
  const partial = lost.length > 0
  if (completed > 0 && permits(merge, completed, shards.length))
    return { state: shards.length > 1 ? 'MERGE_QUEUED' : 'COMPLETED', reason: '', partial }
  return { state: uniform(lost) ?? 'FAILED', reason: reasonOf(lost, shards.length), partial }
}

/** Once at work, a run waits again only when all its shards do. */
function openState(
  open: readonly Pick<ShardProgress, 'state'>[],
  shards: readonly Pick<ShardProgress, 'state'>[],
  state: RunState,
): RunState {
  if (open.some((shard) => shard.state === 'RUNNING')) return 'RUNNING'
  if (open.some((shard) => shard.state === 'PAUSED')) return 'PAUSED'
  if (shards.every((shard) => shard.state === 'QUEUED')) return 'QUEUED'
  return state === 'QUEUED' || state === 'PAUSED' ? 'RUNNING' : state
}

function permits({ mode, minFraction }: MergePolicy, completed: number, all: number): boolean {
  if (mode === 'all') return completed === all
  return mode === 'any' || completed / all >= minFraction
}

/** FAILED, TIMED_OUT or CANCELED where all of them ended so. */
function uniform(lost: readonly Pick<ShardProgress, 'state'>[]): RunState | null {
  const [first] = lost
  return first && lost.every(({ state }) => state === first.state) && lost.length > 0 ? first.state : null
}

function reasonOf(lost: readonly Pick<ShardProgress, 'index' | 'error' | 'state'>[], all: number): string {
  const [first] = lost
  if (!first) return ''
  const why = first.error || first.state
  return all === 1 ? why : `${lost.length} of ${all} shards did not complete; shard ${first.index}: ${why}`
}
