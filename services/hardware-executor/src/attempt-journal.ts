/**
 * The journal of one attempt: everything the executor says about it under one contiguous sequence, each
 * record encoded once. Samples are joined first; the checksum of every block and the digest of every
 * channel are taken on the way, so that the end record can state what the data must amount to. Records
 * live in memory until they are settled; a journal on disk would take the outbox's place behind this class.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { BYTES_PER_SAMPLE, Problem, type AttemptOutcome, type RunEvent, type SampleChunk } from '@lucihub/analog'
import { JournalRecord, sampleEncoding } from '@lucihub/contracts'
import type { Attempt } from './attempt.ts'
import { ChunkJoiner, type JoinedSamples } from './chunk-joiner.ts'
import type { JournalOutbox } from './journal-outbox.ts'

/** How an attempt ended. */
export interface Conclusion {
  readonly outcome: AttemptOutcome
  /** For people; empty when all went well. */
  readonly reason: string
  /** True once the start command may have reached the device. */
  readonly started: boolean
  /** Outputs (cluster * 16 + clane) whose overload flag was latched. */
  readonly overloads: readonly number[]
  /** Of all M-block outputs, machine units. */
  readonly finalValues: readonly number[]
}

interface ChannelTotal {
  samples: number
  readonly digest: Hash
}

type Body = Pick<JournalRecord, 'phase' | 'log' | 'chunk' | 'gap' | 'end'>

export class AttemptJournal {
  private readonly joiner = new ChunkJoiner((joined) => this.chunk(joined))
  private readonly totals: readonly ChannelTotal[]
  private seq = 0
  private ended = false

  /** `channels`: how many the configuration samples. */
  constructor(
    private readonly attempt: Attempt,
    private readonly outbox: JournalOutbox,
    channels: number,
  ) {
    this.totals = Array.from({ length: channels }, () => ({ samples: 0, digest: createHash('sha256') }))
  }

  /** Samples per channel so far. */
  get samplesPerChannel(): number {
    return this.totals[0]?.samples ?? 0
  }

  phase({ phase, timeNs, reason }: Extract<RunEvent, { kind: 'phase' }>): void {
    this.append({ phase: { phase, timeNs: Math.max(0, Math.round(timeNs)), reason } })
  }

  lines(...lines: string[]): void {
    this.append({ log: { lines } })
  }

  gap({ fromChunk, toChunk }: Extract<RunEvent, { kind: 'gap' }>): void {
    this.append({ gap: { fromChunk, toChunk } })
  }

  /** Throws a Problem `device-failed` when the device sends other channels than it was told to. */
  samples(chunk: SampleChunk): void {
    if (this.ended) return
    if (chunk.blocks.length !== this.totals.length) {
      throw new Problem(
        'device-failed',
        `The device sent ${chunk.blocks.length} channels instead of ${this.totals.length}.`,
      )
    }
    this.joiner.add(chunk)
  }

  /** Records the samples that still wait for company. */
  flush(): void {
    this.joiner.flush()
  }

  /** The last record. */
  end({ overloads, finalValues, ...conclusion }: Conclusion): void {
    this.joiner.flush()
    const channels = this.totals.map(({ samples, digest }) => ({ samples, digest: digest.digest() }))
    this.append({ end: { ...conclusion, overloads, finalValues, channels } })
    this.ended = true
  }

  private chunk({ firstIndex, count, encoding, samples }: JoinedSamples): void {
    const blockBytes = count * BYTES_PER_SAMPLE[encoding]
    const checksums = this.totals.map((total, channel) => {
      const checksum = crc32(samples.subarray(channel * blockBytes, (channel + 1) * blockBytes))
      const word = Buffer.alloc(4)
      word.writeUInt32LE(checksum)
      total.digest.update(word)
      total.samples += count
      return checksum
    })
    this.record('data', {
      chunk: { firstIndex, count, encoding: sampleEncoding.toProto(encoding), samples, checksums },
    })
  }

  private append(body: Body): void {
    this.joiner.flush()
    this.record('event', body)
  }

  private record(feed: 'event' | 'data', body: Body): void {
    // A device that was given up may still speak; nothing follows the end.
    if (this.ended) return
    const { command, epoch } = this.attempt
    const seq = this.seq++
    const bytes = JournalRecord.encode({
      runId: command.runId,
      attempt: command.attempt,
      epoch,
      seq,
      atMs: Date.now(),
      ...body,
    })
    this.outbox.add({ seq, feed, bytes })
  }
}
