/** Events as their viewers get them: one `text/event-stream` message each, encoded once however many viewers there are. */
import { isTerminal, type RunState } from '@lucihub/analog'
import { runState, type RunEvent } from '@lucihub/contracts'
import { instant } from '../runs/run-resource.ts'

/** A place in the story of a run. Within one record, what the journal said comes before the state it led to. */
export interface Position {
  readonly attempt: number
  readonly seq: number
  readonly rank: 0 | 1
}

/** Before everything. */
export const BEGINNING: Position = { attempt: 0, seq: -1, rank: 1 }

export interface EncodedEvent {
  /** Null for live samples: they are shown once and can be read back as a plot, so no reader resumes at them. */
  readonly position: Position | null
  /** The run is over after this. */
  readonly last: boolean
  readonly bytes: Buffer
}

export function isAfter(a: Position, b: Position): boolean {
  return a.attempt !== b.attempt ? a.attempt > b.attempt : a.seq !== b.seq ? a.seq > b.seq : a.rank > b.rank
}

/** Null for an event without content, which a newer store may send. */
export function encodeEvent(event: RunEvent): EncodedEvent | null {
  const { attempt, seq } = event
  const place = { attempt, seq, at: instant(event.atMs) }
  const { phase, log, gap, end, samples, state } = event
  if (state) return encodeState({ ...place, state: runState.fromProto(state.state), reason: state.reason })
  if (phase) return told('phase', { ...place, phase: phase.phase, timeNs: phase.timeNs, reason: phase.reason })
  if (log) return told('log', { ...place, lines: log.lines })
  if (gap) return told('gap', { ...place, fromChunk: gap.fromChunk, toChunk: gap.toChunk })
  if (end) return told('end', { ...place, outcome: end.outcome, reason: end.reason })
  if (!samples) return null
  const { firstIndex, bucket, count } = samples
  const channels = samples.channels.map((pairs) => Buffer.from(pairs.buffer, pairs.byteOffset, pairs.byteLength).toString('base64'))
  return { position: null, last: false, bytes: message('samples', { ...place, firstIndex, bucket, count, channels }) }
}

export function encodeState(event: Place & { readonly state: RunState; readonly reason: string }): EncodedEvent {
  return { ...told('state', event, 1), last: isTerminal(event.state) }
}

interface Place {
  readonly attempt: number
  readonly seq: number
  readonly at: string
}

function told<E extends Place>(kind: string, event: E, rank: 0 | 1 = 0): EncodedEvent {
  const { attempt, seq } = event
  return { position: { attempt, seq, rank }, last: false, bytes: message(kind, event, `id: ${attempt}:${seq}\n`) }
}

function message(kind: string, data: object, id = ''): Buffer {
  return Buffer.from(`${id}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** The place behind the event that a reader saw last. Anything else than `attempt:seq` means the beginning. */
export function resumeFrom(lastEventId: string | undefined): Position {
  const [, attempt, seq] = /^(\d{1,9}):(\d{1,15})$/.exec(lastEventId ?? '') ?? []
  if (attempt === undefined || seq === undefined) return BEGINNING
  return { attempt: Number(attempt), seq: Number(seq), rank: 1 }
}

export const HEARTBEAT = Buffer.from(':\n\n')
/** Live samples were dropped because the reader was too slow. */
export const LOST = Buffer.from('event: lost\ndata: {}\n\n')
