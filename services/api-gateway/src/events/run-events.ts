/** Events as their viewers get them: one `text/event-stream` message each, encoded once however many viewers there are. */
import type { RunState } from '@lucihub/analog'
import { runState, type RunEvent } from '@lucihub/contracts'
import { instant } from '../runs/run-resource.ts'

/** A place in the journal of a run. */
export interface Position {
  readonly attempt: number
  readonly seq: number
}

/** Before everything. */
export const BEGINNING: Position = { attempt: 0, seq: -1 }

/**
 * `story`: what the journal says, in order; a reader resumes behind it. `samples`: the live view, which may be missed
 * and has no id. `state`: where the run is; told once per change, and it has no id because the journal does not hold it.
 */
export type EncodedEvent = { readonly position: Position; readonly bytes: Buffer } & (
  { readonly kind: 'story' | 'samples' | 'lost' } | { readonly kind: 'state'; readonly state: RunState }
)

export function isAfter(a: Position, b: Position): boolean {
  return a.attempt !== b.attempt ? a.attempt > b.attempt : a.seq > b.seq
}

/** Null for an event without content, which a newer store may send. */
export function encodeEvent(event: RunEvent): EncodedEvent | null {
  const { attempt, seq } = event
  const position = { attempt, seq }
  const place = { attempt, seq, at: instant(event.atMs) }
  const { phase, log, gap, end, samples, state } = event
  const story = (name: string, data: object): EncodedEvent => ({
    kind: 'story',
    position,
    bytes: Buffer.from(`id: ${attempt}:${seq}\n${message(name, { ...place, ...data })}`),
  })
  if (state) return encodeState({ ...place, state: runState.fromProto(state.state), reason: state.reason })
  if (phase) return story('phase', { phase: phase.phase, timeNs: phase.timeNs, reason: phase.reason })
  if (log) return story('log', { lines: log.lines })
  if (gap) return story('gap', { fromChunk: gap.fromChunk, toChunk: gap.toChunk })
  if (end) return story('end', { outcome: end.outcome, reason: end.reason })
  if (!samples) return null
  const { firstIndex, bucket, count } = samples
  const channels = samples.channels.map((pairs) =>
    Buffer.from(pairs.buffer, pairs.byteOffset, pairs.byteLength).toString('base64'),
  )
  return {
    kind: 'samples',
    position,
    bytes: Buffer.from(message('samples', { ...place, firstIndex, bucket, count, channels })),
  }
}

export function encodeState(
  event: Position & { readonly at: string; readonly state: RunState; readonly reason: string },
): EncodedEvent {
  const { attempt, seq, state } = event
  return { kind: 'state', position: { attempt, seq }, state, bytes: Buffer.from(message('state', event)) }
}

function message(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Where a reader goes on that saw this event last. Anything else than `attempt:seq` means the beginning. */
export function resumeFrom(lastEventId: string | undefined): Position {
  const [, attempt, seq] = /^(\d{1,9}):(\d{1,15})$/.exec(lastEventId ?? '') ?? []
  return attempt === undefined || seq === undefined ? BEGINNING : { attempt: Number(attempt), seq: Number(seq) }
}

export const HEARTBEAT = Buffer.from(':\n\n')
/** Live samples are missing before this place. */
export const LOST: EncodedEvent = { kind: 'lost', position: BEGINNING, bytes: Buffer.from('event: lost\ndata: {}\n\n') }
