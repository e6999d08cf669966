/**
 * The requests of the JSON-lines generation (firmware up to 1.x): who may send them, and how their failures are
 * numbered. The code of a failure is the request's prefix plus a number of its own.
 */
import { Problem, type ProblemType } from '@lucihub/analog'

/** What a client has shown itself to be; each level includes those before it. */
export const LEVELS = ['none', 'login', 'admin'] as const
export type Level = (typeof LEVELS)[number]

interface MessageTypeRow {
  readonly prefix: number
  readonly level: Level
}

export const MESSAGE_TYPES = {
  ping: { prefix: 100, level: 'none' },
  help: { prefix: 200, level: 'none' },
  reset_circuit: { prefix: 300, level: 'login' },
  set_circuit: { prefix: 400, level: 'login' },
  get_circuit: { prefix: 500, level: 'login' },
  get_entities: { prefix: 600, level: 'login' },
  start_run: { prefix: 700, level: 'login' },
  stop_run: { prefix: 780, level: 'login' },
  one_shot_daq: { prefix: 800, level: 'none' },
  manual_mode: { prefix: 900, level: 'none' },
  overload_status: { prefix: 1000, level: 'login' },
  login: { prefix: 3100, level: 'none' },
  lock_acquire: { prefix: 3200, level: 'login' },
  lock_release: { prefix: 3300, level: 'login' },
  sys_ident: { prefix: 3400, level: 'none' },
  sys_reboot: { prefix: 3500, level: 'admin' },
  sys_log: { prefix: 3600, level: 'login' },
  sys_stats: { prefix: 3700, level: 'login' },
  load_plugin: { prefix: 4100, level: 'admin' },
  unload_plugin: { prefix: 4200, level: 'admin' },
  net_get: { prefix: 6000, level: 'admin' },
  net_set: { prefix: 6100, level: 'admin' },
  net_reset: { prefix: 6200, level: 'admin' },
  net_status: { prefix: 6300, level: 'none' },
} as const satisfies Record<string, MessageTypeRow>

export type MessageType = keyof typeof MESSAGE_TYPES

/** Codes that belong to no request. */
export const GENERAL_CODES = { unknownType: -10, notAuthorized: -20 } as const

/** The numbers that failures have within their request. */
export const INTERNAL_CODES = {
  setCircuit: {
    malformed: 1,
    depth: 2,
    wrongEntity: 3,
    unresolvedChild: 4,
    calibration: 10,
    adc: 530,
    unknownKey: 532,
  },
  getCircuit: { wrongEntity: 1, unresolvedPath: 2, pathNoList: 3 },
  startRun: { missingId: 1, outOfBounds: 2 },
  manualMode: { queueBusy: 1, illegalTarget: 10 },
  login: { losesPrivileges: 1, invalid: 2, disabled: 10 },
} as const

/** A device's refusal, as the `cause` of the Problem that it became. */
export interface Refusal {
  readonly request: MessageType
  /** As it came: prefix and internal code together, or one of {@link GENERAL_CODES}. */
  readonly code: number
  /** Without the prefix; the code itself where it belongs to no request. */
  readonly internalCode: number
  /** What the device said about it. */
  readonly error: string
}

export function refusalOf({ request, code, error }: Omit<Refusal, 'internalCode'>): Refusal {
  const internalCode = code - MESSAGE_TYPES[request].prefix
  return { request, code, internalCode: code > 0 && internalCode > 0 ? internalCode : code, error }
}

/** The refusal behind a Problem, or null when it has another cause. */
export function refusalBehind({ cause }: Problem): Refusal | null {
  return typeof cause === 'object' && cause !== null && 'internalCode' in cause ? (cause as Refusal) : null
}

/**
 * A refusal as a Problem. What is wrong with a circuit or a run will be wrong the next time too
 * (`validation-failed`); so will missing rights (`forbidden`); all else is the device's (`device-failed`).
 */
export function problemOf(refusal: Refusal, device: string): Problem {
  const { request, code, error } = refusal
  const detail = `${device} refused ${request}: ${error || 'no reason given.'} (code ${code})`
  return new Problem(problemTypeOf(refusal), detail, { cause: refusal })
}

function problemTypeOf({ request, code, internalCode }: Refusal): ProblemType {
  if (code === GENERAL_CODES.notAuthorized) return 'forbidden'
  if (code === GENERAL_CODES.unknownType) return 'device-failed'
  if (request === 'login') return 'unauthenticated'
  if (request === 'manual_mode' && internalCode === INTERNAL_CODES.manualMode.queueBusy) return 'unavailable'
  return request === 'set_circuit' || request === 'start_run' ? 'validation-failed' : 'device-failed'
}

/** True for the names of {@link MESSAGE_TYPES}. */
export function isMessageType(text: string): text is MessageType {
  return Object.hasOwn(MESSAGE_TYPES, text)
}
