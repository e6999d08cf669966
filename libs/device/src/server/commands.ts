/** What the device answers to each command: one table, from the kind of a message to its reply. */
import { Problem, type DeviceDescription, type Entity } from '@lucihub/analog'
import { encodeEntity } from '../codec/entity.ts'
import { mBlockOf, outputBases, outputCount } from '../codec/entity-path.ts'
import { anabrid, type MessageKind, type MessageToSend, type MessageV1, type Received } from '../wire/messages.ts'
import { LOG_ENTRIES_MAX, type Machine } from './machine.ts'
import { routedItems } from './proxy-sessions.ts'
import { runRequestOf, type RunToStart } from './run-request.ts'

/** What a command needs: the machine, and the means to begin a run whose pushes go to the asker. */
export interface CommandContext {
  readonly machine: Machine
  /** The device stands behind a proxy, which routes what it gets to its carriers. */
  readonly proxied: boolean
  startRun(run: RunToStart): void
  /** Sends the asker's run data to this UDP port of its host from now on; false when the device does not do that. */
  streamTo(port: number): boolean
}

type Reply = MessageToSend | Promise<MessageToSend>
type Command<K extends MessageKind> = (body: NonNullable<MessageV1[K]>, context: CommandContext) => Reply
type CommandTable = { readonly [K in MessageKind]?: Command<K> }

const SUCCESS = { successMessage: {} } as const
const BUSY = { busyResponse: {} } as const
/** Of an error's description. */
const DESCRIPTION_LENGTH_MAX = 1_024

/** The reply to a message, always one: a failure is an error message. */
export async function replyTo(message: MessageV1, context: CommandContext): Promise<MessageToSend> {
  try {
    return await dispatch(message, context)
  } catch (thrown) {
    return errorReply(Problem.from(thrown))
  }
}

/** An error message with a problem's detail and its violations. */
export function errorReply(problem: Problem): MessageToSend {
  const violations = problem.violations.map(
    (violation) => `${violation.pointer} = ${violation.value}: ${violation.message}; ${violation.remedy}.`,
  )
  return { errorMessage: { description: [problem.message, ...violations].join(' ').slice(0, DESCRIPTION_LENGTH_MAX) } }
}

function dispatch(message: MessageV1, context: CommandContext): Reply {
  const kind = message.kind
  const command = kind && (COMMANDS[kind] as Command<MessageKind> | undefined)
  const body = kind && message[kind]
  if (!kind) throw new Problem('invalid-request', 'The message is empty or of an unknown kind.')
  if (!command || !body) throw new Problem('invalid-request', `${kind} is not a command of this device.`)
  return command(body as never, context)
}

const COMMANDS: CommandTable = {
  pingCommand: () => SUCCESS,
  // No authentication here: any token will do, as on a device without a proxy.
  authRequest: () => SUCCESS,
  standByCommand: () => SUCCESS,
  registerExternalEntitiesCommand: () => SUCCESS,

  extractCommand: async (command, { machine }) => {
    const specification = command.specification ? specificationItems(await machine.describe(), command) : []
    // Loaded items are generated messages themselves, so they go out as they came in.
    const settings = command.configuration ? (machine.items as anabrid.Item.$Properties[]) : []
    return { extractResponse: { module: { items: [...specification, ...settings] } } }
  },

  resetCommand: (command, { machine }) =>
    whenIdle(machine, async () => {
      if (command.circuitReset || command.overloadReset) await machine.reset()
      return { resetResponse: {} }
    }),

  configCommand: (command, { machine, proxied }) =>
    whenIdle(machine, async () => {
      const given = command.module?.items ?? []
      const items = proxied ? routedItems(given, await machine.describe()) : given
      await machine.load({ items, resetBefore: command.resetBefore })
      return { configResponse: {} }
    }),

  startRunCommand: (command, context) =>
    endsRepetition(command, context) ??
    whenIdle(context.machine, async () => {
      context.startRun(runRequestOf(command))
      return { startRunResponse: {} }
    }),

  stopRunCommand: (_command, { machine }) => {
    machine.active?.abort.abort()
    return SUCCESS
  },

  manualControlCommand: (command, { machine }) => {
    if (!(command.to in anabrid.ManualControlCommand.To))
      throw new Problem('invalid-request', `There is no mode ${command.to}.`)
    return machine.active ? BUSY : SUCCESS
  },

  // Clients that are refused take the data from the connection.
  udpDataStreamingCommand: ({ port }, { streamTo }) => {
    if (port < 1 || port > 65_535) throw new Problem('invalid-request', `There is no UDP port ${port}.`)
    return streamTo(port)
      ? SUCCESS
      : { udpDataStreamingRefusedResponse: { reason: 'Data is streamed on this connection.' } }
  },

  getOverloadStatusCommand: async (_command, { machine }) => {
    const description = await machine.describe()
    const { overloaded, outputs } = await machine.computer.overload()
    const elements = outputs.map((output) => overloadElement(description, output))
    return { getOverloadStatusResponse: { status: { globalOverload: overloaded || null, elements } } }
  },

  calibrationCommand: (_command, { machine }) => whenIdle(machine, async () => ({ calibrationResponse: {} })),

  getSystemIdentCommand: async (_command, { machine }) => ({
    getSystemIdentResponse: { mac: await machine.mac(), fwBuild: { entries: { device: 'virtual' } }, fwImage: {} },
  }),
  readSystemIdentCommand: () => ({ readSystemIdentResponse: {} }),
  resetSystemIdentCommand: () => notHere('Its identity cannot be changed'),
  writeSystemIdentCommand: () => notHere('Its identity cannot be changed'),

  syslogCommand: (_command, { machine: { log } }) => ({
    syslogResponse: { isActive: true, maxSize: LOG_ENTRIES_MAX, entries: [...log] },
  }),
  systemStatsCommand: (_command, { machine: { totals } }) => ({
    systemStatsResponse: {
      perfCounters: {
        totalIcTimeUs: Math.round(totals.icTimeNs / 1e3),
        totalOpTimeUs: Math.round(totals.opTimeNs / 1e3),
        totalNumberOfRuns: totals.runs,
      },
    },
  }),
  // It has no thermometer.
  readTemperatureCommand: () => ({ readTemperatureResponse: { dataset: {} } }),
  updateCommand: () => ({ updateResponse: { failure: { reason: 'There is no firmware to update.' } } }),
  jitCommand: () => notHere('It has no just-in-time compiler'),
}

/** In turn, but "busy" while a run is in progress: the asker is to try again. */
function whenIdle(machine: Machine, work: () => Promise<MessageToSend>): Promise<MessageToSend> {
  return machine.inTurn(async () => (machine.active ? BUSY : work()))
}

/**
 * A start command may also end the repetition in progress, with or without a run of its own to follow: that one is
 * told to wait until the device is free. Null for a command that has nothing to end.
 */
function endsRepetition(
  { run, endRepetitive }: Received<anabrid.StartRunCommand.$Properties>,
  { machine }: CommandContext,
): MessageToSend | null {
  if (!endRepetitive) return null
  if (machine.active) machine.active.isLast = true
  if ((run?.id ?? '') === '') return { startRunResponse: {} }
  return machine.active ? BUSY : null
}

function notHere(reason: string): never {
  throw new Problem('invalid-request', `${reason} on a virtual device.`)
}

function specificationItems(
  description: DeviceDescription,
  { entity, recursive }: Received<anabrid.ExtractCommand.$Properties>,
): anabrid.Item.$Properties[] {
  const path = (entity?.path ?? '').replace(/^\//, '')
  const parts = path === '' ? description.carriers : [entityAt(description, path)]
  return parts.map((part) => ({
    entitySpecification: { entity: encodeEntity(recursive ? part : { ...part, children: [] }) },
  }))
}

function entityAt(description: DeviceDescription, path: string): Entity {
  let found: Entity | null = null
  let among = description.carriers
  for (const id of path.split('/')) {
    found = among.find((child) => child.id === id) ?? null
    if (!found) throw new Problem('invalid-request', `There is no entity ${path}.`)
    among = found.children
  }
  if (!found) throw new Problem('invalid-request', `There is no entity ${path}.`)
  return found
}

function overloadElement(description: DeviceDescription, output: number): anabrid.OverloadStatus.Element.$Properties {
  const bases = outputBases(description)
  const carrier = description.carriers.findLast(
    ({ id }) => (bases.get(id) ?? 0) <= output && outputCount(description, id) > 0,
  )
  const { path, idx } = mBlockOf({ carrier: carrier?.id ?? '', output: output - (bases.get(carrier?.id ?? '') ?? 0) })
  return { entity: { path }, idx: idx || null, overload: true }
}
