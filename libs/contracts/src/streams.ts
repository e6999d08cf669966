/**
 * The JetStream streams: which subjects they keep, for how long, within which bounds. Limits retention
 * everywhere (work-queue retention forgets ids after a restart) and `discard new` (refusal, never silent
 * loss); a run's records are purged after its seal. Reasons: docs/decisions and ARCHITECTURE.md.
 */

export interface StreamDefinition {
  readonly name: string
  readonly subjects: readonly string[]
  readonly maxAgeMs: number
  /** Bytes on disk before publishers are refused. */
  readonly maxBytes: number
  /** Only the newest message of each subject is kept. */
  readonly latestOnly?: boolean
}

const HOUR = 3_600_000
const MIB = 1_048_576

export const STREAMS = {
  /** Commands to executors. */
  command: { name: 'LH_CMD', subjects: ['lh.v1.cmd.>'], maxAgeMs: 24 * HOUR, maxBytes: 256 * MIB },
  /** The journals of all attempts. */
  journal: { name: 'LH_JRN', subjects: ['lh.v1.jrn.>'], maxAgeMs: 7 * 24 * HOUR, maxBytes: 8192 * MIB },
  /** The active-device list, newest only. */
  device: { name: 'LH_DEV', subjects: ['lh.v1.dev.>'], maxAgeMs: 24 * HOUR, maxBytes: 64 * MIB, latestOnly: true },
  /** What could not be decoded or handled, with the reason in the header `Lh-Reason`. */
  deadLetter: { name: 'LH_DLQ', subjects: ['lh.v1.dlq.>'], maxAgeMs: 30 * 24 * HOUR, maxBytes: 256 * MIB },
  /** Probes of the health checks: that a connection stands does not say that a stream still takes messages. */
  health: { name: 'LH_HEALTH', subjects: ['lh.v1.health.>'], maxAgeMs: HOUR, maxBytes: MIB, latestOnly: true },
} as const satisfies Record<string, StreamDefinition>

export type StreamKey = keyof typeof STREAMS
