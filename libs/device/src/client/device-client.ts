/**
 * A device over TCP as an `AnalogComputer`. The client keeps what a run needs and the wire does not repeat:
 * the device's description, and which probes the loaded configuration samples.
 */
import {
  ADC_CHANNELS,
  Problem,
  type AnalogComputer,
  type Configuration,
  type DeviceDescription,
  type OverloadStatus,
  type RunEvent,
} from '@lucihub/analog'
import { createHash, randomUUID } from 'node:crypto'
import { encodeApb } from '../codec/apb.ts'
import type { SampledCarrier } from '../codec/assembly.ts'
import { encodeConfiguration, macOf } from '../codec/configuration.ts'
import { decodeDescription } from '../codec/entity.ts'
import { outputBases, outputCount, outputOf } from '../codec/entity-path.ts'
import { encodeTime } from '../codec/time.ts'
import { receiveDatagrams, type DatagramReceiver } from '../wire/datagrams.ts'
import type { MessageToSend, MessageV1 } from '../wire/messages.ts'
import { assertRunnable } from './run-bounds.ts'
import { maintenanceOf, type DeviceMaintenance } from './maintenance.ts'
import { RunFeed, type DeviceRunRequest } from './run-feed.ts'
import { DEVICE_PORT, Session } from './session.ts'

/** Where a device is, and how long to wait for it. All but the host may be left out. */
export interface ConnectOptions {
  readonly host: string
  /** Default 5732. */
  readonly port?: number
  /** Bound of connecting and of each reply; default 5 000 ms. */
  readonly timeoutMs?: number
  /** Pause before a busy device is asked again; default 2 000 ms. */
  readonly busyRetryMs?: number
  /** A device busy for longer is `unavailable`; default 60 000 ms. */
  readonly busyWaitMs?: number
  /** Grace on top of ic time and op time for each phase of a run; default 10 000 ms. */
  readonly runGraceMs?: number
  /** Bytes of run events held before the socket is paused; default 4 MiB. */
  readonly queueBytesMax?: number
  /** Bearer token, for proxies that ask for one. */
  readonly token?: string
  /**
   * How run data comes: on the connection, where nothing is lost (the default), or as datagrams, which is asked for
   * once before the first run. A device that refuses, and everything behind a proxy, stays with the connection.
   */
  readonly dataOver?: 'tcp' | 'udp'
  /** Makes the ids of commands, at most 38 characters; default random UUIDs. */
  readonly nextId?: () => string
}

/** What a device answered when asked what it is. */
export interface DeviceIdentity {
  readonly description: DeviceDescription
  /** The description as an .apb file. */
  readonly blob: Uint8Array
  /** SHA-256 of the blob in hex: the version of the description. */
  readonly hash: string
}

/** Counted since the connection was opened. */
export interface ClientStatistics {
  /** Pushes dropped because they belonged to no run of ours. */
  readonly foreignFrames: number
  /** Chunks that came twice, or after they were given up as lost. */
  readonly staleChunks: number
  /** Datagrams that were not from the device, or were no message. */
  readonly strayDatagrams: number
  /** The most bytes of run events held at once. */
  readonly peakQueueBytes: number
}

/**
 * A connected device. While the events of a run are not taken and its queue is full, nothing is read from the
 * connection: other commands then time out.
 */
export interface DeviceClient extends AnalogComputer, DeviceMaintenance {
  run(request: DeviceRunRequest, signal?: AbortSignal): AsyncIterable<RunEvent>
  /** Lets a repetitive run end with the repetition that it is in. */
  endRepetition(): Promise<void>
  /** How the data of the runs since the last start comes. */
  dataOver(): 'tcp' | 'udp'
  /** The device's clock in µs. */
  ping(): Promise<number>
  identify(): Promise<DeviceIdentity>
  statistics(): ClientStatistics
}

/** Bounds, in ms and bytes. The times are those of the vendor's client. */
const DEFAULTS = {
  port: DEVICE_PORT,
  timeoutMs: 5_000,
  busyRetryMs: 2_000,
  busyWaitMs: 60_000,
  runGraceMs: 10_000,
  queueBytesMax: 4 * 1024 * 1024,
  token: '',
  dataOver: 'tcp',
  nextId: (): string => randomUUID(),
} as const

/** Messages in a row that belong to nothing we asked for, before the connection is given up. */
const STRAY_MESSAGES_MAX = 100_000

/**
 * Connects to a device. Rejects with Problem `device-failed` when nobody listens there. A lost connection is
 * not mended: every later call rejects with `device-failed`, and the caller connects anew.
 */
export async function connectDevice(options: ConnectOptions): Promise<DeviceClient> {
  const settings = { ...DEFAULTS, ...options }
  let active: RunFeed | null = null
  /** True from the call of `run` on, so that two callers cannot both get past the check. */
  let driving = false
  let foreignFrames = 0
  let staleChunks = 0
  let strayDatagrams = 0
  let strayInARow = 0
  let datagrams: DatagramReceiver | null = null
  let datagramsAsked = settings.dataOver === 'tcp' || settings.token !== ''
  const unasked = (message: MessageV1 | null) => {
    if (message && isRunPush(message)) foreignFrames += 1
    strayInARow += 1
    if (strayInARow === STRAY_MESSAGES_MAX)
      session.abandon(new Problem('device-failed', `It sent ${STRAY_MESSAGES_MAX} messages that nobody asked for.`))
  }
  const session: Session = await Session.open({
    ...settings,
    onPush: (message) => {
      if (message && isRunPush(message) && active?.receive(message)) strayInARow = 0
      else unasked(message)
    },
    onLost: (problem) => {
      datagrams?.close()
      active?.fail(problem)
    },
  })
  let identity: Promise<DeviceIdentity> | null = null
  let sampled: readonly SampledCarrier[] = []
  let peakQueueBytes = 0

  try {
    if (settings.token !== '')
      await session.request({ authRequest: { bearer: { token: settings.token } } }, 'successMessage')
  } catch (thrown) {
    await session.close()
    throw thrown
  }

  const identify = async (): Promise<DeviceIdentity> => {
    const { module } = await session.request(
      { extractCommand: { recursive: true, specification: true } },
      'extractResponse',
    )
    const description = describedBy(() => decodeDescription(module ?? { items: [] }))
    const blob = encodeApb({ description })
    return { description, blob, hash: createHash('sha256').update(blob).digest('hex') }
  }
  const known = async (): Promise<DeviceDescription> => {
    identity ??= identify().catch((thrown: unknown) => {
      identity = null
      throw thrown
    })
    return (await identity).description
  }

  /** Asks once for run data as datagrams, unless the device is a proxy's: only a proxy presents several carriers. */
  const askForDatagrams = async ({ carriers }: DeviceDescription): Promise<void> => {
    if (datagramsAsked) return
    datagramsAsked = true
    if (carriers.length > 1) return
    const onStray = () => void (strayDatagrams += 1)
    const receiver = await receiveDatagrams(session.addresses, {
      onEnvelope: ({ messageV1 }) => {
        if (!messageV1 || !isRunPush(messageV1)) onStray()
        else if (!active?.receiveDatagram(messageV1)) foreignFrames += 1
      },
      onStray,
    })
    try {
      await session.request({ udpDataStreamingCommand: { port: receiver.port } }, 'successMessage')
      datagrams = receiver
    } catch (thrown) {
      receiver.close()
      // Refused, in whatever words: the data comes on the connection. Only a lost connection is worse than that.
      if (!session.isOpen) throw thrown
    }
  }

  const feedOf = async (request: DeviceRunRequest): Promise<RunFeed> => {
    const description = await known()
    await askForDatagrams(description)
    return new RunFeed({
      request,
      datagrams: datagrams !== null,
      carriers: sampled,
      outputBases: outputBases(description),
      outputCount: description.carriers.reduce((sum, { id }) => sum + outputCount(description, id), 0),
      phaseTimeoutMs: (request.icTimeNs + request.opTimeNs) / 1e6 + settings.runGraceMs,
      queueBytesMax: settings.queueBytesMax,
      onFull: () => session.pause(),
      onRoom: () => session.resume(),
    })
  }

  async function* run(request: DeviceRunRequest, signal?: AbortSignal): AsyncGenerator<RunEvent, void> {
    assertRunnable(request)
    if (driving) throw new Problem('state-conflict', 'This connection is still driving a run.')
    driving = true
    try {
      const feed = await feedOf(request)
      active = feed
      yield* drive(request, feed, signal)
    } finally {
      active = null
      driving = false
      session.resume()
    }
  }

  /** False when the run was aborted before the device took it. */
  const started = async (request: DeviceRunRequest, signal: AbortSignal | undefined): Promise<boolean> => {
    if (signal?.aborted) return false
    try {
      await session.request(startCommand(request, sampled), 'startRunResponse', { signal })
      return true
    } catch (thrown) {
      if (signal?.aborted && Problem.from(thrown).type === 'unavailable') return false
      throw thrown
    }
  }

  async function* drive(
    request: DeviceRunRequest,
    feed: RunFeed,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RunEvent, void> {
    const stop = () => {
      session.tell({ stopRunCommand: {} })
      feed.expectEndWithin(settings.runGraceMs)
    }
    try {
      if (!(await started(request, signal))) {
        feed.cancel()
        yield { kind: 'phase', phase: 'DONE', timeNs: 0, reason: 'stopped before the start' }
        return
      }
      feed.expectPhaseWithin()
      if (signal?.aborted) stop()
      else signal?.addEventListener('abort', stop, { once: true })
      yield* feed.events()
    } finally {
      signal?.removeEventListener('abort', stop)
      peakQueueBytes = Math.max(peakQueueBytes, feed.peakBytes)
      staleChunks += feed.staleChunks
      if (!feed.isOver) session.tell({ stopRunCommand: {} })
      if (!feed.ended) {
        feed.fail(new Problem('state-conflict', `Nobody reads the events of run ${request.id} any more.`))
      }
    }
  }

  return {
    ...maintenanceOf(session),
    ping: () => session.ping(),
    identify,
    statistics: () => ({
      foreignFrames,
      staleChunks: staleChunks + (active?.staleChunks ?? 0),
      strayDatagrams,
      peakQueueBytes,
    }),
    dataOver: () => (datagrams ? 'udp' : 'tcp'),
    endRepetition: async () => {
      await session.request({ startRunCommand: { endRepetitive: true } }, 'startRunResponse')
    },
    describe: async () => {
      identity = null
      return known()
    },
    reset: async () => {
      await session.request({ resetCommand: { overloadReset: true, circuitReset: true } }, 'resetResponse')
      sampled = []
    },
    configure: async (configuration) => {
      const description = await known()
      const module = encodeConfiguration(configuration, description)
      // An error here is about the configuration: the same one will not be taken later either.
      await session.request({ configCommand: { module, resetBefore: true } }, 'configResponse', {
        refusedAs: 'validation-failed',
      })
      sampled = sampledCarriers(configuration, description)
    },
    run,
    overload: async () => {
      const description = await known()
      const { status } = await session.request({ getOverloadStatusCommand: {} }, 'getOverloadStatusResponse')
      return overloadStatus(status, outputBases(description))
    },
    close: async () => {
      datagrams?.close()
      await session.close()
    },
  }
}

function isRunPush({ kind }: MessageV1): boolean {
  return kind === 'runStateChangeMessage' || kind === 'runDataMessage' || kind === 'runDataEndMessage'
}

function startCommand(request: DeviceRunRequest, sampled: readonly SampledCarrier[]): MessageToSend {
  const channels = Math.max(0, ...sampled.map(({ probes }) => probes.length))
  return {
    startRunCommand: {
      run: { id: request.id },
      runConfig: {
        icTime: encodeTime(request.icTimeNs),
        opTime: encodeTime(request.opTimeNs),
        haltOnOverload: request.haltOnOverload,
        streaming: true,
        repetitive: request.repetitive || null,
        writeRunStateChanges: true,
      },
      daqConfig: {
        numChannels: Math.min(channels, ADC_CHANNELS) || null,
        sampleRate: request.sampleRateHz,
        sampleOp: channels > 0 || null,
        sampleOpEnd: request.finalValues || null,
      },
    },
  }
}

function sampledCarriers(configuration: Configuration, description: DeviceDescription): readonly SampledCarrier[] {
  return configuration.carriers.flatMap(({ carrier, adc }) => {
    const mac = macOf(carrier, description)
    return adc.length === 0 ? [] : [{ carrier: mac, probes: adc.map(({ probe: index }) => index) }]
  })
}

function overloadStatus(
  status: NonNullable<MessageV1['getOverloadStatusResponse']>['status'],
  bases: ReadonlyMap<string, number>,
): OverloadStatus {
  const outputs = (status?.elements ?? []).flatMap(({ entity, idx, overload }) => {
    const place = overload ? outputOf({ path: entity?.path ?? '', idx }) : null
    const base = place && bases.get(place.carrier)
    return place && base !== undefined && base !== null ? [base + place.output] : []
  })
  return {
    overloaded: (status?.globalOverload ?? false) || outputs.length > 0,
    outputs: outputs.toSorted((a, b) => a - b),
  }
}

function describedBy(decode: () => DeviceDescription | null): DeviceDescription {
  let description: DeviceDescription | null
  try {
    description = decode()
  } catch (cause) {
    throw new Problem('device-failed', `The device described itself wrongly: ${Problem.from(cause).message}`, { cause })
  }
  if (!description) throw new Problem('device-failed', 'The device described no carrier.')
  return description
}
