/** A run-store on servers of its own, and a client that asks it as a gateway would. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lucidacDescription } from '@lucihub/analog'
import {
  descriptionToProto,
  deviceClass,
  feeds,
  PLAIN_SPEC,
  runKind,
  runState,
  store,
  type ConfigurationMessage,
  type RunMessage,
  type RunSpec,
  type SubmitRunReply,
} from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { start, type RunningService } from '@lucihub/service-kit'
import {
  privateDatabase,
  privateNats,
  privateRedis,
  until,
  type PrivateDatabase,
  type PrivateServer,
} from '@lucihub/testing'
import type { RunStoreConfig } from '../src/config.ts'
import { runStore } from '../src/run-store.ts'

export const ALICE = 'user-alice'

export interface Hub {
  readonly database: PrivateDatabase
  readonly nats: PrivateServer
  readonly redis: PrivateServer
  readonly config: RunStoreConfig
  readonly bus: Bus
  service: RunningService
  close(): Promise<void>
}

export async function startHub(overrides: Partial<RunStoreConfig> = {}): Promise<Hub> {
  const [database, nats, redis] = await Promise.all([privateDatabase(), privateNats(), privateRedis()])
  const folder = await mkdtemp(join(tmpdir(), 'lucihub-store-'))
  const config: RunStoreConfig = {
    natsUrl: nats.url,
    databaseUrl: database.url,
    redisUrl: redis.url,
    healthPort: 0,
    logLevel: 'error',
    firstKeyFile: join(folder, 'first-key'),
    keyPepper: 'a pepper',
    leaseTtlMs: 60_000,
    leaseGraceMs: 100,
    lostAfterMs: 60_000,
    dispatchRetryMs: 5_000,
    maxQueuedPerOwner: 100,
    workerStallMs: 60_000,
    ...overrides,
  }
  const service = await start(runStore(config))
  const bus = await Bus.connect({ url: nats.url, name: 'client' })
  const hub: Hub = {
    database,
    nats,
    redis,
    config,
    bus,
    service,
    async close() {
      await bus.drain()
      await hub.service.close()
      await Promise.all([nats.stop(), redis.stop(), database.drop(), rm(folder, { recursive: true })])
    },
  }
  return hub
}

/** Asks until there is an answer, and returns it. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
): Promise<T> {
  let found: T | undefined | false
  await until(
    async () => {
      found = await ask()
      return found !== undefined && found !== false
    },
    { what },
  )
  if (found === undefined || found === false) throw new Error(`${what}: no answer`)
  return found
}

let lists = 0

/** Tells the store which simulators there are, and waits until it knows. */
export async function announce(hub: Hub, ...ids: string[]): Promise<void> {
  lists++
  await hub.bus.publish(
    feeds.activeDevices,
    ['scanner-1'],
    {
      scannerBootId: 'scanner boot',
      sequence: lists,
      devices: ids.map((id) => ({
        id,
        name: `sim-${id}`,
        deviceClass: deviceClass.toProto('SIMULATOR'),
        host: '127.0.0.1',
        port: 5732,
        description: descriptionToProto(lucidacDescription(id)),
        descriptionHash: 'abc',
      })),
    },
    { id: `list-${lists}` },
  )
  await until(
    async () => {
      const { devices } = await hub.bus.call(store.listDevices, { activeOnly: true })
      return devices.map(({ device }) => device?.id).join() === [...ids].sort().join()
    },
    { what: `the store lists ${ids.join()}` },
  )
}

/** Integrator 0 feeds itself; its output is sampled on so many probes. */
export function configuration(probes: number): ConfigurationMessage {
  return {
    problemTimePerSecond: 10_000,
    probes: Array.from({ length: probes }, (_, index) => ({ label: `x${index}`, unit: 'V' })),
    carriers: [
      {
        carrier: '00-00-00-00-00-00',
        hops: [],
        backplane: [],
        inputs: [],
        adc: Array.from({ length: probes }, (_, probe) => ({
          output: probe,
          gain: probe === 1 ? -2 : 2,
          offset: 0.5,
          probe,
        })),
        clusters: [
          {
            index: 0,
            constant: 0,
            lanes: [{ lane: 0, sourcePlusOne: 1, coefficient: 0.5, upscaled: false, sinks: [0] }],
            slots: [
              { kind: 1, operations: [], integrators: [{ element: 0, ic: 0.5, k0: 10_000, limiter: false }] },
              { kind: 0, operations: [], integrators: [] },
            ],
          },
        ],
      },
    ],
  }
}

export function spec(overrides: Partial<RunSpec> = {}, probes = 2): RunSpec {
  return {
    ...PLAIN_SPEC,
    kind: runKind.toProto('simulate'),
    title: 'decay',
    source: "x' = -x",
    configuration: configuration(probes),
    report: null,
    diagnostics: [],
    deviceId: '',
    deviceClass: deviceClass.toProto('SIMULATOR'),
    opTimeNs: 1_000_000,
    icTimeNs: 100_000,
    sampleRateHz: 100_000,
    haltOnOverload: false,
    maxAttempts: 2,
    acceptGaps: false,
    ...overrides,
  }
}

export function submit(
  hub: Hub,
  overrides: Partial<RunSpec> = {},
  { ownerId = ALICE, idempotencyKey = '', probes = 2 } = {},
): Promise<SubmitRunReply> {
  return hub.bus.call(store.submitRun, { ownerId, idempotencyKey, spec: spec(overrides, probes) })
}

export async function submitted(hub: Hub, overrides: Partial<RunSpec> = {}, probes = 2): Promise<string> {
  const { run } = await submit(hub, overrides, { probes })
  if (!run) throw new Error('no run')
  return run.id
}

export async function getRun(hub: Hub, runId: string, ownerId = ALICE): Promise<RunMessage> {
  const { run } = await hub.bus.call(store.getRun, { ownerId, runId })
  if (!run) throw new Error('no run')
  return run
}

export function inState(hub: Hub, runId: string, state: Parameters<typeof runState.toProto>[0]): Promise<RunMessage> {
  return eventually(async () => {
    const run = await getRun(hub, runId)
    return run.state === runState.toProto(state) && run
  }, `run ${runId} is ${state}`)
}
