/** An oscillator as a configuration, a command that runs it, and a virtual device that can. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  PORTABLE_CARRIER,
  lucidacDescription,
  samplesOf,
  type Configuration,
  type HaltCondition,
} from '@lucihub/analog'
import {
  configurationToProto,
  descriptionToProto,
  deviceClass,
  haltToProto,
  PLAIN_SPEC,
  runKind,
  type ActiveDevice,
  type JournalRecord,
  type RunCommand,
} from '@lucihub/contracts'
import { serveDevice, type DeviceServer, type ReceivedCommand } from '@lucihub/device'
import { SimulatedComputer, realTimePace } from '@lucihub/simulation'
import type { ExecutorConfig } from '../src/config.ts'

/** Two integrators in a ring: x = 0.75 cos(k0 t), y = 0.75 sin(k0 t), both sampled. */
export const OSCILLATOR: Configuration = {
  carriers: [
    {
      carrier: PORTABLE_CARRIER,
      clusters: [
        {
          index: 0,
          constant: null,
          lanes: [
            { lane: 0, source: 1, coefficient: 1, upscaled: false, sinks: [0] },
            { lane: 1, source: 0, coefficient: -1, upscaled: false, sinks: [1] },
          ],
          slots: [
            {
              kind: 'MINT',
              integrators: [
                { element: 0, ic: -0.75, k0: 100, limiter: false },
                { element: 1, ic: 0, k0: 100, limiter: false },
              ],
            },
            null,
          ],
        },
      ],
      adc: [
        { output: 0, gain: 1, offset: 0, probe: 0 },
        { output: 1, gain: 1, offset: 0, probe: 1 },
      ],
    },
  ],
  probes: [
    { label: 'x', unit: '' },
    { label: 'y', unit: '' },
  ],
  problemTimePerSecond: 0,
}

/** An executor's configuration, with a journal folder of its own below the folder of the spec. */
export function executorConfig(options: {
  readonly natsUrl: string
  readonly host: string
  readonly journalDir: string
  readonly journalQuota?: number
}): ExecutorConfig {
  return { healthPort: 0, logLevel: 'silent', devices: ['*'], journalQuota: 1024 ** 3, ...options }
}

export interface VirtualDevice {
  readonly active: ActiveDevice
  readonly server: DeviceServer
  /** Every command that it received. */
  readonly commands: ReceivedCommand[]
  starts(): number
  close(): Promise<void>
}

/** A LUCIDAC on a free port; at the machine's pace when `realTime` is set, so that a test can be in the middle of its run. */
export async function virtualDevice(mac: string, { realTime = false } = {}): Promise<VirtualDevice> {
  const pace = realTime
    ? realTimePace({ nowMs: () => performance.now(), sleep: async (ms) => void (await sleep(ms)) })
    : turning
  const commands: ReceivedCommand[] = []
  const server = await serveDevice({
    computer: new SimulatedComputer({ description: lucidacDescription(mac), pace, chunkSamples: 100 }),
    port: 0,
    onCommand: (command) => commands.push(command),
  })
  return {
    active: activeDevice(mac, server.port),
    server,
    commands,
    starts: () => commands.filter(({ command }) => command === 'startRunCommand').length,
    close: () => server.close(),
  }
}

const turning = { wait: () => new Promise<void>((resolve) => setImmediate(resolve)) }

export function activeDevice(mac: string, port: number): ActiveDevice {
  return {
    id: mac,
    name: `virtual-${mac.slice(-2)}`,
    deviceClass: deviceClass.toProto('SIMULATOR'),
    host: '127.0.0.1',
    port,
    description: descriptionToProto(lucidacDescription(mac)),
    descriptionHash: '',
  }
}

export interface CommandOptions {
  readonly opTimeMs?: number
  readonly sampleRateHz?: number
  readonly configuration?: Configuration
  readonly halt?: readonly HaltCondition[]
}

export function runCommand(
  deviceId: string,
  { opTimeMs = 200, sampleRateHz = 50_000, configuration = OSCILLATOR, halt = [] }: CommandOptions = {},
): RunCommand {
  return {
    runId: crypto.randomUUID(),
    attempt: 1,
    deviceId,
    spec: {
      ...PLAIN_SPEC,
      kind: runKind.toProto('simulate'),
      title: '',
      source: '',
      configuration: configurationToProto(configuration),
      diagnostics: [],
      deviceId,
      deviceClass: deviceClass.toProto('SIMULATOR'),
      opTimeNs: opTimeMs * 1e6,
      icTimeNs: 100_000,
      sampleRateHz,
      haltOnOverload: false,
      maxAttempts: 1,
      acceptGaps: false,
      halt: halt.map(haltToProto),
    },
  }
}

/** The samples of one channel, joined from all chunk records. */
export function samplesIn(journal: readonly JournalRecord[], channel: number): Float32Array {
  const pieces = journal
    .flatMap(({ chunk }) => chunk ?? [])
    .toSorted((a, b) => a.firstIndex - b.firstIndex)
    .map(({ samples, count }) => {
      return [...samplesOf(samples.subarray(channel * count * 4, (channel + 1) * count * 4), 'f32')]
    })
  return Float32Array.from(pieces.flat())
}

/** The manifest that the chunk records amount to, from the definition in the contract. */
export function manifestOf(journal: readonly JournalRecord[], channels: number): { samples: number; digest: string }[] {
  return Array.from({ length: channels }, (_, channel) => {
    const digest = createHash('sha256')
    let samples = 0
    for (const { chunk } of journal) {
      if (!chunk) continue
      const width = chunk.samples.length / channels
      const word = Buffer.alloc(4)
      word.writeUInt32LE(crc32(chunk.samples.subarray(channel * width, (channel + 1) * width)))
      digest.update(word)
      samples += chunk.count
    }
    return { samples, digest: digest.digest('hex') }
  })
}
