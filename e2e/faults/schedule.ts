/**
 * A schedule: what users do and what goes wrong meanwhile, all from one seed. Times are ms since its beginning.
 * Faults lie where the work is, and many lie on each other: what survives each alone may not survive two.
 */
import type { Misbehaviour } from './formula-computer.ts'
import { MESSAGE_FAULTS, type MessageFault } from './message-faults.ts'
import { random, type Random } from './random.ts'
import { DEVICES, EXECUTOR, SERVERS, SERVICES, STORES, TIMES, type ServerName } from './stage.ts'

export interface PlannedRun {
  readonly at: number
  readonly key: string
  readonly kind: 'run' | 'simulate'
  /** Name of the device; null: any of the class. */
  readonly device: string | null
  /** Oscillators of two channels each. */
  readonly oscillators: number
  readonly opTimeNs: number
  readonly sampleRateHz: number
  readonly maxAttempts: number
  readonly acceptGaps: boolean
  /** After its submission; null: never. */
  readonly cancelAfterMs: number | null
  /** How often the same request is sent at once. */
  readonly copies: number
  /** Somebody follows its events. */
  readonly watched: boolean
}

export type Leg = string

export type Injection =
  | { readonly kind: 'kill' | 'freeze' | 'crash-loop'; readonly target: string }
  | { readonly kind: 'kill-server' | 'freeze-server'; readonly target: ServerName }
  | {
      readonly kind: 'cut' | 'cut-up' | 'cut-down' | 'half-open' | 'reset-storm' | 'delay' | 'throttle'
      readonly leg: Leg
    }
  | { readonly kind: 'message'; readonly leg: Leg; readonly fault: MessageFault }
  | { readonly kind: 'nats-amnesia' | 'nats-purge' | 'nats-consumers' | 'redis-flush' | 'postgres-sessions' }
  | { readonly kind: 'device'; readonly device: string; readonly how: Misbehaviour }
  | { readonly kind: 'takeover' }
  | { readonly kind: 'crash-point'; readonly target: string; readonly point: string }
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'journal-full' }

export type PlannedFault = Injection & { readonly at: number; readonly forMs: number }

export interface Schedule {
  readonly seed: number
  readonly runs: readonly PlannedRun[]
  readonly faults: readonly PlannedFault[]
}

const DEVICE_NAMES = ['alpha', 'beta', 'gamma'] as const
/** Within which runs are submitted and faults begin, ms. */
const BUSY_MS = 5_000
const FAULTS = { min: 8, max: 12 } as const
/** At least so many of the faults lie on another one. */
const OVERLAPPING = 0.35
const RUNS = { min: 4, max: 20 } as const
/** Wanted of all runs of a schedule together: the work must not outlast the faults by much, ns. */
const OP_TIME_TOTAL_NS = 9e9

/** Points at which a process can be told to die, by service. */
export type CrashPoints = Readonly<Record<string, readonly string[]>>

export function scheduleOf(seed: number, crashPoints: CrashPoints): Schedule {
  const chance = random(seed)
  const runs = plannedRuns(chance, seed)
  for (;;) {
    const faults = Array.from({ length: chance.whole(FAULTS.min, FAULTS.max) }, () => plannedFault(chance, crashPoints))
    if (overlapping(faults) >= OVERLAPPING) return { seed, runs, faults: faults.sort((a, b) => a.at - b.at) }
  }
}

/** The share of faults that lie on another one. */
export function overlapping(faults: readonly PlannedFault[]): number {
  const lying = faults.filter((fault) =>
    faults.some((other) => other !== fault && other.at < fault.at + fault.forMs && fault.at < other.at + other.forMs),
  )
  return lying.length / faults.length
}

function plannedRuns(chance: Random, seed: number): PlannedRun[] {
  const count = chance.whole(RUNS.min, RUNS.max)
  return Array.from({ length: count }, (_, index) => {
    const simulate = chance.chance(0.3)
    return {
      at: Math.round(chance.next() ** 1.5 * BUSY_MS),
      key: `faults-${seed}-${index}`,
      kind: simulate ? 'simulate' : 'run',
      device: simulate ? null : chance.pick([null, 'alpha', 'beta']),
      oscillators: chance.whole(1, 4),
      opTimeNs: Math.round(((0.2 + 1.6 * chance.next()) * OP_TIME_TOTAL_NS) / count),
      sampleRateHz: chance.pick([500, 5_000, 20_000, 50_000]),
      maxAttempts: chance.whole(2, 5),
      acceptGaps: chance.chance(0.2),
      cancelAfterMs: chance.chance(0.2) ? chance.whole(0, 3_000) : null,
      copies: chance.chance(0.25) ? chance.whole(2, 5) : 1,
      watched: chance.chance(0.4),
    }
  })
}

function plannedFault(chance: Random, crashPoints: CrashPoints): PlannedFault {
  const kind = chance.weighted(KINDS)
  const at = chance.whole(0, BUSY_MS)
  const [shortest, longest] = kind.forMs
  return { ...kind.make(chance, crashPoints), at, forMs: chance.whole(shortest, longest) }
}

interface Kind {
  readonly kind: string
  readonly weight: number
  /** Shortest and longest, ms. */
  readonly forMs: readonly [number, number]
  make(chance: Random, crashPoints: CrashPoints): Injection
}

const { leaseTtlMs } = TIMES
const natsLegs = [...STORES, EXECUTOR, EXECUTOR].map((name) => `${name}-nats`)
const cuttable = [
  ...natsLegs,
  ...STORES.map((name) => `${name}-postgres`),
  ...STORES.map((name) => `${name}-redis`),
  'api-gateway-nats',
  ...DEVICE_NAMES.map((name) => `executor-${name}`),
]
/** Where the work is done: twice as likely as the others. */
const targets = [...SERVICES, ...STORES, EXECUTOR, EXECUTOR, DEVICES]
const onLeg =
  (kind: 'cut' | 'cut-up' | 'cut-down' | 'half-open' | 'reset-storm' | 'delay' | 'throttle') =>
  (chance: Random): Injection => ({
    kind,
    leg: chance.pick(cuttable),
  })

const KINDS: readonly Kind[] = [
  { kind: 'kill', weight: 14, forMs: [0, 1_500], make: (chance) => ({ kind: 'kill', target: chance.pick(targets) }) },
  {
    kind: 'freeze',
    weight: 9,
    forMs: [leaseTtlMs / 2, leaseTtlMs * 2],
    make: (chance) => ({ kind: 'freeze', target: chance.pick(targets) }),
  },
  {
    kind: 'crash-loop',
    weight: 3,
    forMs: [2_000, 5_000],
    make: (chance) => ({ kind: 'crash-loop', target: chance.pick([...STORES, EXECUTOR]) }),
  },
  {
    kind: 'kill-server',
    weight: 9,
    forMs: [0, 1_500],
    make: (chance) => ({ kind: 'kill-server', target: chance.pick(SERVERS) }),
  },
  {
    kind: 'freeze-server',
    weight: 4,
    forMs: [500, 4_000],
    make: (chance) => ({ kind: 'freeze-server', target: chance.pick(SERVERS) }),
  },
  { kind: 'cut', weight: 10, forMs: [500, 5_000], make: onLeg('cut') },
  { kind: 'cut-up', weight: 4, forMs: [500, 4_000], make: onLeg('cut-up') },
  { kind: 'cut-down', weight: 4, forMs: [500, 4_000], make: onLeg('cut-down') },
  {
    // On NATS alone: its clients live on one connection, and must find out by themselves that it is dead.
    kind: 'half-open',
    weight: 4,
    forMs: [500, 1_000],
    make: (chance) => ({ kind: 'half-open', leg: chance.pick([...natsLegs, 'api-gateway-nats']) }),
  },
  { kind: 'reset-storm', weight: 5, forMs: [500, 3_000], make: onLeg('reset-storm') },
  { kind: 'delay', weight: 5, forMs: [1_000, 5_000], make: onLeg('delay') },
  { kind: 'throttle', weight: 3, forMs: [1_000, 5_000], make: onLeg('throttle') },
  {
    kind: 'message',
    weight: 14,
    forMs: [1_000, 5_000],
    make: (chance) => {
      const fault = chance.pick(MESSAGE_FAULTS)
      return { kind: 'message', fault, leg: `${fault === 'drop-consumer-acks' ? chance.pick(STORES) : EXECUTOR}-nats` }
    },
  },
  { kind: 'nats-amnesia', weight: 5, forMs: [0, 500], make: () => ({ kind: 'nats-amnesia' }) },
  { kind: 'nats-purge', weight: 2, forMs: [0, 0], make: () => ({ kind: 'nats-purge' }) },
  { kind: 'nats-consumers', weight: 2, forMs: [0, 0], make: () => ({ kind: 'nats-consumers' }) },
  { kind: 'redis-flush', weight: 3, forMs: [0, 0], make: () => ({ kind: 'redis-flush' }) },
  { kind: 'postgres-sessions', weight: 4, forMs: [1_000, 3_000], make: () => ({ kind: 'postgres-sessions' }) },
  {
    kind: 'device',
    weight: 6,
    forMs: [200, 1_500],
    make: (chance) => ({
      kind: 'device',
      device: chance.pick(DEVICE_NAMES),
      how: chance.pick(['skip', 'skip', 'error', 'early', 'early', 'silent'] as const),
    }),
  },
  { kind: 'takeover', weight: 4, forMs: [leaseTtlMs * 1.3, leaseTtlMs * 2.2], make: () => ({ kind: 'takeover' }) },
  {
    kind: 'crash-point',
    weight: 8,
    forMs: [1_000, 3_000],
    make: (chance, crashPoints) => {
      const service = chance.pick(Object.keys(crashPoints))
      const target = service === 'run-store' ? chance.pick(STORES) : service
      return { kind: 'crash-point', target, point: chance.pick(crashPoints[service] ?? []) }
    },
  },
  {
    kind: 'clock',
    weight: 7,
    forMs: [1_000, 4_000],
    make: (chance) => ({ kind: 'clock', offsetMs: chance.pick([-3_600_000, 3_600_000, 86_400_000]) }),
  },
  { kind: 'journal-full', weight: 3, forMs: [500, 2_500], make: () => ({ kind: 'journal-full' }) },
]
