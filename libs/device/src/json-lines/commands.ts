/** What the device answers to each request: one table, from its type to its answer. */
import { ADC_CHANNELS, CLANES, M_BLOCK_WIDTH, Problem } from '@lucihub/analog'
import { partOf, resolvePath } from './circuit-tree.ts'
import { encodeEntities } from './entities.ts'
import type { LineMachine } from './line-machine.ts'
import {
  GENERAL_CODES,
  INTERNAL_CODES,
  isMessageType,
  LEVELS,
  MESSAGE_TYPES,
  type Level,
  type MessageType,
} from './message-types.ts'
import type { Quirks } from './quirks.ts'
import { objectOf, type Fields } from './replies.ts'
import { lineRunOf } from './start-request.ts'

/** How long a lock is held that is not given back, ms. */
const LOCK_MS = 3 * 60_000
/** Of the text of a failure. */
const ERROR_LENGTH_MAX = 1_024

/** A name and password of the device. */
export interface LineUser {
  readonly user: string
  readonly password: string
  readonly level: Exclude<Level, 'none'>
}

/** The lock that clients may take; the device does not enforce it. */
export interface LockState {
  holder: number | null
  untilMs: number
}

/** What a request needs: the machine, and who asks. */
export interface LineContext {
  readonly machine: LineMachine
  readonly quirks: Quirks
  /** Empty: nobody needs a password, and everything is allowed. */
  readonly users: readonly LineUser[]
  readonly lock: LockState
  /** Counts the connections from 1. */
  readonly connection: number
  readonly port: number
  /** The asker's level, which `login` changes. */
  level: Level
  readonly clockUs: () => number
}

/** An answer, or the number within the request's failures and what to say. */
export type Answer = { readonly msg: Fields } | { readonly internal: number; readonly error: string }

type Command = (msg: Fields, context: LineContext) => Answer | Promise<Answer>

const NOTHING: Answer = { msg: {} }
/** Of failures that have no number of their own. */
const OTHER = 1

/** The answer as code, message and error; never rejects. */
export async function answerTo(
  type: unknown,
  msg: Fields,
  context: LineContext,
): Promise<{ readonly code: number; readonly msg: Fields; readonly error: string }> {
  if (typeof type !== 'string' || !isMessageType(type))
    return { code: GENERAL_CODES.unknownType, msg: {}, error: `Unknown message type ${shown(type)}.` }
  const { prefix, level } = MESSAGE_TYPES[type]
  if (context.users.length > 0 && LEVELS.indexOf(context.level) < LEVELS.indexOf(level))
    return { code: GENERAL_CODES.notAuthorized, msg: {}, error: `${type} needs the level ${level}.` }
  const answer = await tried(type, msg, context)
  if ('msg' in answer) return { code: 0, msg: answer.msg, error: '' }
  return { code: prefix + answer.internal, msg: {}, error: answer.error.slice(0, ERROR_LENGTH_MAX) }
}

async function tried(type: MessageType, msg: Fields, context: LineContext): Promise<Answer> {
  try {
    return await COMMANDS[type](msg, context)
  } catch (thrown) {
    return { internal: OTHER, error: Problem.from(thrown).message }
  }
}

const COMMANDS: Readonly<Record<MessageType, Command>> = {
  ping: (_msg, { clockUs }) => ({ msg: { micros: clockUs() } }),

  help: () => ({
    msg: {
      human_readable_info: 'A virtual LUCIDAC. Send one JSON object per line: {"id": …, "type": …, "msg": {…}}.',
      available_types: Object.keys(MESSAGE_TYPES),
    },
  }),

  reset_circuit: ({ circuit_reset: circuit, overload_reset: overload }, { machine }) =>
    machine.machine.inTurn(async () => {
      await machine.reset({ circuit: circuit !== false, overload: overload !== false })
      return NOTHING
    }),

  set_circuit: (msg, { machine }) =>
    machine.machine.inTurn(async () => {
      const { malformed, wrongEntity, unresolvedChild, unknownKey } = INTERNAL_CODES.setCircuit
      const path = resolvePath(msg['entity'], await machine.machine.describe())
      const config = objectOf(msg['config'])
      if (path === 'no-list' || !config)
        return { internal: malformed, error: 'A circuit is set by "entity", a list, and "config", an object.' }
      if (path === 'wrong-entity') return { internal: wrongEntity, error: await notMe(machine, msg['entity']) }
      if (path === 'unresolved') return { internal: unresolvedChild, error: `There is no ${shown(msg['entity'])}.` }
      try {
        await machine.setPart({ path, config, resetBefore: msg['reset_before'] !== false })
      } catch (thrown) {
        const { message } = Problem.from(thrown)
        return { internal: message.includes('There is no field') ? unknownKey : malformed, error: message }
      }
      return NOTHING
    }),

  get_circuit: async ({ entity, recursive }, { machine }) => {
    const { wrongEntity, unresolvedPath, pathNoList } = INTERNAL_CODES.getCircuit
    const asked = entity ?? [await machine.machine.mac()]
    const path = resolvePath(asked, await machine.machine.describe())
    if (path === 'no-list') return { internal: pathNoList, error: 'Entity path is not a list' }
    if (path === 'wrong-entity') return { internal: wrongEntity, error: await notMe(machine, asked) }
    if (path === 'unresolved') return { internal: unresolvedPath, error: 'Cannot resolve entity path' }
    return { msg: { entity: asked, config: partOf(machine.circuit, path, { recursive: recursive !== false }) } }
  },

  get_entities: async (_msg, { machine, quirks }) => ({
    msg: encodeEntities(await machine.machine.describe(), quirks),
  }),

  start_run: (msg, { machine, connection }) => {
    const { missingId, outOfBounds } = INTERNAL_CODES.startRun
    if (typeof msg['id'] !== 'string') return { internal: missingId, error: 'A run has an id.' }
    try {
      const run = lineRunOf(msg, connection)
      if (msg['clear_queue'] === true) machine.clearQueue()
      machine.enqueue(run)
    } catch (thrown) {
      return { internal: outOfBounds, error: Problem.from(thrown).message }
    }
    return NOTHING
  },

  stop_run: (_msg, { machine }) => {
    machine.stop()
    return NOTHING
  },

  one_shot_daq: async ({ channel }, { machine }) => {
    const values = await machine.outputs()
    const outputs = machine.channelOutputs()
    const data = Array.from({ length: ADC_CHANNELS }, (_, index) => rounded(values[outputs[index] ?? -1] ?? 0))
    if (channel === undefined || channel === null) return { msg: { data } }
    const value = typeof channel === 'number' ? data[channel] : undefined
    return value === undefined
      ? { internal: OTHER, error: `There is no channel ${shown(channel)}.` }
      : { msg: { data: value } }
  },

  manual_mode: async ({ to }, { machine }) => {
    const { queueBusy, illegalTarget } = INTERNAL_CODES.manualMode
    if (to !== 'ic' && to !== 'op' && to !== 'halt' && to !== 'minion')
      return { internal: illegalTarget, error: `There is no mode ${shown(to)}.` }
    if (machine.isRunning) return { internal: queueBusy, error: 'Runs are waiting or in progress.' }
    await machine.setMode(to)
    return NOTHING
  },

  overload_status: async (_msg, { machine }) => {
    const { overloaded, outputs } = await machine.overload()
    const { carriers } = await machine.machine.describe()
    const clusters = (carriers[0]?.children ?? []).filter((child) => child.class === 'CLUSTER')
    const flags = (first: number): boolean[] =>
      Array.from({ length: M_BLOCK_WIDTH }, (_, element) => outputs.includes(first + element))
    const entities = clusters.map(({ id }, index) => [
      `/${id}`,
      { '/M0': flags(index * CLANES), '/M1': flags(index * CLANES + M_BLOCK_WIDTH) },
    ])
    return { msg: { global_overload: overloaded, entity_overload: Object.fromEntries(entities) } }
  },

  login: ({ user, password }, context) => {
    const { losesPrivileges, invalid, disabled } = INTERNAL_CODES.login
    if (context.users.length === 0) return { internal: disabled, error: 'No authentication is necessary here.' }
    const found = context.users.find((one) => one.user === user && one.password === password)
    if (!found) return { internal: invalid, error: 'Invalid username or password.' }
    if (LEVELS.indexOf(found.level) < LEVELS.indexOf(context.level))
      return { internal: losesPrivileges, error: 'This login would lose privileges.' }
    context.level = found.level
    return NOTHING
  },

  lock_acquire: (_msg, { lock, connection }) => {
    if (lock.holder !== null && lock.holder !== connection && performance.now() < lock.untilMs)
      return { internal: OTHER, error: 'Another client holds the lock.' }
    lock.holder = connection
    lock.untilMs = performance.now() + LOCK_MS
    return NOTHING
  },
  lock_release: (_msg, { lock, connection }) => {
    if (lock.holder !== connection) return { internal: OTHER, error: 'This client does not hold the lock.' }
    lock.holder = null
    return NOTHING
  },

  sys_ident: async (_msg, { machine }) => ({
    msg: { serial: '0', mac: await machine.machine.mac(), fw_build: { device: 'virtual' }, fw_image: {} },
  }),
  sys_log: () => ({ msg: { entries: [] } }),
  sys_stats: (_msg, { machine: { machine } }) => ({
    msg: {
      total_ic_time_us: Math.round(machine.totals.icTimeNs / 1e3),
      total_op_time_us: Math.round(machine.totals.opTimeNs / 1e3),
      total_number_of_runs: machine.totals.runs,
    },
  }),
  net_get: (_msg, { port }) => ({ msg: { jsonl_port: port, enable_auth: false } }),
  net_status: (_msg, { port }) => ({ msg: { interfaceStatus: true, port } }),

  sys_reboot: () => notHere('There is nothing to reboot'),
  net_set: () => notHere('Its network settings cannot be changed'),
  net_reset: () => notHere('Its network settings cannot be changed'),
  load_plugin: () => notHere('No plugin can be loaded'),
  unload_plugin: () => notHere('No plugin can be loaded'),
}

async function notMe(machine: LineMachine, entity: unknown): Promise<string> {
  const mac: unknown = Array.isArray(entity) ? entity[0] : entity
  return `Requested entity ${shown(mac)} but I am ${await machine.machine.mac()}`
}

function notHere(reason: string): Answer {
  return { internal: OTHER, error: `${reason} on a virtual device.` }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

function shown(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).slice(0, 80)
}
