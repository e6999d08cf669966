/** What a device says besides samples, out of one line: replies and changes of a run's state. */
import { DEVICE_PHASES, type DevicePhase } from '@lucihub/analog'
import { isMessageType, type MessageType } from './message-types.ts'

export type Fields = Readonly<Record<string, unknown>>

/** An answer. Devices leave out ids, types and messages here and there; what is absent is null, empty or 0. */
export interface Reply {
  readonly kind: 'reply'
  readonly id: string | null
  readonly type: MessageType | null
  readonly msg: Fields
  /** 0 for success. */
  readonly code: number
  readonly error: string
}

export interface StateChange {
  readonly kind: 'state'
  readonly runId: string
  readonly phase: DevicePhase
  /** Op time so far, ns. */
  readonly opTimeNs: number
  readonly reason: string
}

/** A failure whose reply does not say which. */
const UNSPECIFIED_CODE = -1
/** Of what a device says about a failure. */
const ERROR_LENGTH_MAX = 1_024

/** Reads a line; null for what is neither. */
export function readReply(line: Uint8Array): Reply | StateChange | null {
  const said = objectOf(parsed(line))
  if (!said) return null
  if (said['type'] === 'run_state_change') return stateChange(objectOf(said['msg']) ?? {})
  return reply(said)
}

function reply(said: Fields): Reply | null {
  const { id, type, code, error, success } = said
  // Without any of these it is a request, ours perhaps, that somebody sent back.
  if (typeof code !== 'number' && typeof success !== 'boolean' && typeof error !== 'string') return null
  return {
    kind: 'reply',
    id: typeof id === 'string' ? id : null,
    type: typeof type === 'string' && isMessageType(type) ? type : null,
    msg: objectOf(said['msg']) ?? {},
    code: typeof code === 'number' ? code : success === false || typeof error === 'string' ? UNSPECIFIED_CODE : 0,
    error: typeof error === 'string' ? error.slice(0, ERROR_LENGTH_MAX) : '',
  }
}

function stateChange({ id, t, new: state, reason }: Fields): StateChange | null {
  const phase = DEVICE_PHASES.find((one) => one === state)
  if (typeof id !== 'string' || !phase) return null
  return {
    kind: 'state',
    runId: id,
    phase,
    opTimeNs: typeof t === 'number' && Number.isFinite(t) && t > 0 ? Math.round(t) : 0,
    reason: typeof reason === 'string' ? reason.slice(0, ERROR_LENGTH_MAX) : '',
  }
}

/** The value as an object's fields, or null. */
export function objectOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

function parsed(line: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'))
  } catch {
    // Not JSON: garbage is nothing that was said.
    return null
  }
}
