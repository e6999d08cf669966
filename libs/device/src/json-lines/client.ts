/**
 * A device of the JSON-lines generation as an `AnalogComputer`. The client keeps what the wire does not repeat: the
 * device's description, how it spells its address, and how many channels the loaded configuration samples.
 */
import {
  CLANES,
  M_BLOCK_WIDTH,
  Problem,
  type Configuration,
  type DeviceDescription,
  type OverloadStatus,
  type RunEvent,
  type RunRequest,
} from '@lucihub/analog'
import { createHash, randomUUID } from 'node:crypto'
import type { ConnectOptions, DeviceIdentity } from '../client/device-client.ts'
import { assertRunnable } from '../client/run-bounds.ts'
import { DEVICE_PORT } from '../client/session.ts'
import { encodeApb } from '../codec/apb.ts'
import { writeCircuitJson } from '../codec/circuit-json-writer.ts'
import { macOf } from '../codec/configuration.ts'
import { outputBases, outputCount } from '../codec/entity-path.ts'
import type { ConnectedComputer } from '../generation/computer.ts'
import { decodeEntities, type EntitiesRead } from './entities.ts'
import { INTERNAL_CODES, refusalBehind } from './message-types.ts'
import { objectOf, type Fields } from './replies.ts'
import { assertRate, startMessage } from './run-command.ts'
import { LineFeed } from './run-feed.ts'
import { LineSession } from './session.ts'

/** Samples are written with three decimals: the step between two of them, machine units. */
export const JSON_LINES_RESOLUTION = 1e-3

export interface JsonLinesOptions extends Pick<
  ConnectOptions,
  'host' | 'port' | 'timeoutMs' | 'runGraceMs' | 'queueBytesMax' | 'nextId'
> {
  /** Logs in before anything else; a device that asks nobody for a password is content too. */
  readonly user?: string
  readonly password?: string
}

/** What the device may be told to do by hand. `minion`: its mode follows another device. */
export type JsonLinesMode = 'ic' | 'op' | 'halt' | 'minion'

/** What devices of this generation offer besides being an analog computer. */
export interface JsonLinesClient extends ConnectedComputer {
  /** What the device says about its firmware; empty when it says nothing. */
  firmware(): Promise<string>
  /** What the ADC channels hold now, in the order of the configuration's probes, machine units. */
  sampleOnce(): Promise<Float32Array>
  setMode(mode: JsonLinesMode): Promise<void>
}

/** Bounds, in ms and bytes. */
const DEFAULTS = {
  port: DEVICE_PORT,
  timeoutMs: 5_000,
  runGraceMs: 10_000,
  queueBytesMax: 4 * 1024 * 1024,
  user: '',
  password: '',
  nextId: (): string => randomUUID(),
} as const
/** Of what a device says about its firmware. */
const FIRMWARE_LENGTH_MAX = 200

/**
 * Connects to a device. Rejects with Problem `device-failed` when nobody listens there, `unauthenticated` when it
 * does not take the password. A lost connection is not mended.
 */
export async function connectJsonLines(options: JsonLinesOptions): Promise<JsonLinesClient> {
  const settings = { ...DEFAULTS, ...options }
  let active: LineFeed | null = null
  /** True from the call of `run` on, so that two callers cannot both get past the check. */
  let driving = false
  let foreignFrames = 0
  let peakQueueBytes = 0
  /** Sampled channels of the loaded configuration. */
  let channels = 0
  let entities: Promise<EntitiesRead> | null = null
  const feedFor = (runId: string): LineFeed | null => {
    const feed = active?.runId === runId && !active.ended ? active : null
    if (!feed) foreignFrames += 1
    return feed
  }
  const session = await LineSession.open({
    ...settings,
    onSamples: (line) => feedFor(line.runId)?.receiveSamples(line),
    onState: (change) => feedFor(change.runId)?.receiveState(change),
    onLost: (problem) => active?.fail(problem),
  })
  if (settings.user !== '') await logIn(session, settings)

  const ask = async (): Promise<EntitiesRead> => {
    const msg = await session.request('get_entities')
    try {
      return decodeEntities(msg)
    } catch (cause) {
      throw new Problem('device-failed', `The device described itself wrongly: ${Problem.from(cause).message}`, {
        cause,
      })
    }
  }
  const known = (): Promise<EntitiesRead> => {
    entities ??= ask().catch((thrown: unknown) => {
      entities = null
      throw thrown
    })
    return entities
  }
  const describe = async (): Promise<DeviceDescription> => {
    entities = null
    return (await known()).description
  }

  async function* run(request: RunRequest, signal?: AbortSignal): AsyncGenerator<RunEvent, void> {
    assertRunnable(request)
    assertRate(request, channels)
    if (driving) throw new Problem('state-conflict', 'This connection is still driving a run.')
    driving = true
    try {
      const { description } = await known()
      const feed = new LineFeed({
        runId: request.id,
        channels,
        outputCount: description.carriers.reduce((sum, { id }) => sum + outputCount(description, id), 0),
        icTimeNs: request.icTimeNs,
        silenceMs: (request.icTimeNs + request.opTimeNs) / 1e6 + settings.runGraceMs,
        queueBytesMax: settings.queueBytesMax,
        onFull: () => session.pause(),
        onRoom: () => session.resume(),
      })
      active = feed
      yield* drive(request, feed, signal)
    } finally {
      active = null
      driving = false
      session.resume()
    }
  }

  async function* drive(
    request: RunRequest,
    feed: LineFeed,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RunEvent, void> {
    const stop = (): void => {
      session.tell('stop_run')
      feed.expectWordWithin(settings.runGraceMs)
    }
    try {
      if (signal?.aborted) {
        feed.fail(new Problem('state-conflict', 'The run was stopped before its start.'))
        yield { kind: 'phase', phase: 'DONE', timeNs: 0, reason: 'stopped before the start' }
        return
      }
      await session.request('start_run', startMessage(request, channels))
      feed.started()
      if (signal?.aborted) stop()
      else signal?.addEventListener('abort', stop, { once: true })
      yield* feed.events()
    } finally {
      signal?.removeEventListener('abort', stop)
      peakQueueBytes = Math.max(peakQueueBytes, feed.peakBytes)
      if (!feed.ended) {
        session.tell('stop_run')
        feed.fail(new Problem('state-conflict', `Nobody reads the events of run ${request.id} any more.`))
      }
    }
  }

  return {
    generation: 'json-lines',
    resolution: JSON_LINES_RESOLUTION,
    describe,
    identify: async (): Promise<DeviceIdentity> => {
      const description = await describe()
      const blob = encodeApb({ description })
      return { description, blob, hash: createHash('sha256').update(blob).digest('hex') }
    },
    ping: async () => {
      const { micros } = await session.request('ping')
      return typeof micros === 'number' && micros > 0 ? micros : 0
    },
    firmware: () => firmwareOf(session),
    statistics: () => ({ foreignFrames, peakQueueBytes }),
    reset: async () => {
      // Nothing fences a device of this generation: a run that an earlier client left behind still goes on.
      session.tell('stop_run')
      await session.request('reset_circuit', RESET)
      channels = 0
    },
    configure: async (configuration) => {
      for (const message of circuitMessages(configuration, await known())) await session.request('set_circuit', message)
      channels = configuration.carriers.reduce((sum, { adc }) => sum + adc.length, 0)
    },
    run,
    overload: async () => {
      const { description } = await known()
      return overloadStatus(await session.request('overload_status'), description)
    },
    sampleOnce: async () => {
      const { data } = await session.request('one_shot_daq')
      if (!Array.isArray(data) || !data.every((value) => typeof value === 'number'))
        throw new Problem('device-failed', 'The device sampled once, but sent no list of numbers.')
      return Float32Array.from(data).slice(0, channels)
    },
    setMode: async (to) => void (await session.request('manual_mode', { to })),
    close: () => session.close(),
  }
}

const RESET = { keep_calibration: true, overload_reset: true, circuit_reset: true, sync: true } as const

async function logIn(session: LineSession, { user, password }: { user: string; password: string }): Promise<void> {
  try {
    await session.request('login', { user, password })
  } catch (thrown) {
    const problem = Problem.from(thrown)
    if (refusalBehind(problem)?.internalCode === INTERNAL_CODES.login.disabled) return
    await session.close()
    throw problem
  }
}

/** One message per carrier. Throws a Problem `validation-failed` for what this generation cannot do. */
function circuitMessages(configuration: Configuration, { description, spellings }: EntitiesRead): Fields[] {
  if (configuration.carriers.filter(({ adc }) => adc.length > 0).length > 1)
    throw new Problem('validation-failed', 'A device of the JSON-lines generation samples one carrier.')
  return configuration.carriers.map((carrier, index) => {
    const mac = macOf(carrier.carrier, description)
    const circuit =
      objectOf(writeCircuitJson({ ...configuration, carriers: [{ ...carrier, carrier: mac }] })[mac]) ?? {}
    return {
      entity: [spellings.get(mac) ?? mac],
      config: circuit,
      reset_before: index === 0,
      sh_kludge: true,
      mul_calib_kludge: true,
      calibrate_mblock: false,
      calibrate_offset: false,
      calibrate_routes: false,
    }
  })
}

/** Flags are told by cluster and block, of a device with one carrier. */
function overloadStatus(msg: Fields, description: DeviceDescription): OverloadStatus {
  const base = [...outputBases(description).values()][0] ?? 0
  const outputs = Object.entries(objectOf(msg['entity_overload']) ?? {}).flatMap(([cluster, blocks]) =>
    Object.entries(objectOf(blocks) ?? {}).flatMap(([block, flags]) => {
      const slot = /^\/?M([01])$/.exec(block)?.[1]
      const index = /^\/?(\d)$/.exec(cluster)?.[1]
      if (slot === undefined || index === undefined || !Array.isArray(flags)) return []
      const first = base + Number(index) * CLANES + Number(slot) * M_BLOCK_WIDTH
      return flags.slice(0, M_BLOCK_WIDTH).flatMap((flag, element) => (flag === true ? [first + element] : []))
    }),
  )
  return {
    overloaded: msg['global_overload'] === true || outputs.length > 0,
    outputs: outputs.toSorted((a, b) => a - b),
  }
}

/** What the device says about its firmware; empty when it says nothing, as old ones do. */
async function firmwareOf(session: LineSession): Promise<string> {
  const { fw_build: build } = await session.request('sys_ident').catch((thrown: unknown): Fields => {
    if (refusalBehind(Problem.from(thrown))) return {}
    throw thrown
  })
  const fields = objectOf(build)
  const text = fields ? firmwareText(Object.entries(fields)) : typeof build === 'string' ? build : ''
  return text.slice(0, FIRMWARE_LENGTH_MAX)
}

/** `key=value` for each entry, in the order of the keys. */
export function firmwareText(entries: readonly (readonly [string, unknown])[]): string {
  return entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ')
    .slice(0, FIRMWARE_LENGTH_MAX)
}
