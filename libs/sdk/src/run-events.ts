/**
 * The events of a run, from wherever a reader left off to the terminal state. A connection that breaks, ends
 * early or falls silent is opened again behind the last event seen, so nothing but live samples can be missed.
 */
import { Problem, isTerminal } from '@lucihub/analog'
import { readEventStream, type StreamMessage } from './event-stream.ts'
import { TransportError } from './failure.ts'
import type { RunStreamEvent, SamplesEvent } from './resources.ts'

export interface EventOptions {
  /** Continue behind this event, `attempt:seq`. */
  readonly lastEventId?: string
  /** Ends the stream quietly. */
  readonly signal?: AbortSignal
}

/** The hub sends a comment every 15 s; three missing ones mean a dead connection. */
const SILENCE_MS = 45_000
const RETRY_MS = { first: 250, last: 5_000 }
/** Failures in a row, without an event between them, before the reader is told. */
const FAILURES_MAX = 8

/** `open` starts one connection. Rejects with a Problem that is not retryable, or after 8 failures in a row. */
export async function* runEvents(
  open: (lastEventId: string, signal: AbortSignal) => Promise<Response>,
  { lastEventId = '', signal }: EventOptions,
): AsyncGenerator<RunStreamEvent> {
  let failures = 0
  while (!signal?.aborted) {
    const watch = watchSilence(signal)
    try {
      const response = await open(lastEventId, watch.signal)
      if (!response.body) throw new TransportError('the event stream has no body')
      const messages = readEventStream(response.body, { lastEventId, onBytes: watch.heard })
      for await (const message of messages) {
        lastEventId = message.lastEventId
        failures = 0
        const event = decodeEvent(message)
        if (!event) continue
        yield event
        if (event.kind === 'state' && isTerminal(event.state)) return
      }
      failures += 1 // An end without a terminal state: the hub stopped or closed an old connection.
    } catch (failure) {
      if (signal?.aborted) return
      failures += 1
      if (failure instanceof Problem && !failure.retryable) throw failure
      if (failures >= FAILURES_MAX) throw failure
      if (failure instanceof Problem && failure.retryAfterS > 0) await pause(failure.retryAfterS * 1000, signal)
    } finally {
      watch.stop()
    }
    if (failures >= FAILURES_MAX) throw new TransportError(`the event stream ended ${failures} times without an event`)
    await pause(Math.min(RETRY_MS.last, RETRY_MS.first * 2 ** failures) * (0.5 + Math.random() / 2), signal)
  }
}

/** Null for an event this version does not know. */
export function decodeEvent({ event, data }: StreamMessage): RunStreamEvent | null {
  switch (event) {
    case 'state':
    case 'phase':
    case 'log':
    case 'gap':
    case 'end':
      return { kind: event, ...(JSON.parse(data) as object) } as RunStreamEvent
    case 'samples':
      return decodeSamples(JSON.parse(data) as SamplesOnWire)
    case 'lost':
      return { kind: 'lost' }
    default:
      return null
  }
}

type SamplesOnWire = Omit<SamplesEvent, 'kind' | 'channels'> & {
  /** Base64 of float32 little-endian pairs minimum, maximum. */
  readonly channels: readonly string[]
}

function decodeSamples({ channels, ...place }: SamplesOnWire): SamplesEvent {
  return { kind: 'samples', ...place, channels: channels.map(decodePairs) }
}

function decodePairs(base64: string): { minimum: Float32Array; maximum: Float32Array } {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  const count = Math.floor(bytes.length / 8)
  return {
    minimum: Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 8, true)),
    maximum: Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 8 + 4, true)),
  }
}

/** A signal that fires with the outer one, or when nothing was heard for too long. */
function watchSilence(outer: AbortSignal | undefined): { signal: AbortSignal; heard: () => void; stop: () => void } {
  const controller = new AbortController()
  const abort = () => controller.abort(outer?.reason)
  const silent = () => controller.abort(new TransportError(`nothing was heard for ${SILENCE_MS / 1000} s`))
  let timer = setTimeout(silent, SILENCE_MS)
  outer?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    heard: () => {
      clearTimeout(timer)
      timer = setTimeout(silent, SILENCE_MS)
    },
    stop: () => {
      clearTimeout(timer)
      outer?.removeEventListener('abort', abort)
      controller.abort() // Closes the connection when the reader left the loop early.
    },
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}
