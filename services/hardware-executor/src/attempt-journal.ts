/**
 * The journal of one attempt: everything the executor says about it under one contiguous sequence, each
 * record encoded once, for the disk and for the bus. Samples are joined first; the checksum of every block and
 * the digest of every channel are taken on the way, so that the end record can state what the data must amount
 * to. That the start command may follow, and how the attempt ended, is on disk before anybody acts on it.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { BYTES_PER_SAMPLE, Problem, type AttemptOutcome, type RunEvent, type SampleChunk } from '@lucihub/analog'
import {
  chunkBatchOf,
  journalBatchOf,
  sampleEncoding,
  type JournalRecord,
  type RecordAddress,
} from '@lucihub/contracts'
import { crashPoint } from '@lucihub/service-kit'
import type { Attempt, Stop } from './attempt.ts'
import { ChunkJoiner, type JoinedSamples } from './chunk-joiner.ts'
import type { JournalBudget } from './journal-budget.ts'
import type { JournalFile } from './journal-file.ts'
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

/** What a journal goes to. */
export interface JournalKeeping {
  readonly file: JournalFile
  readonly outbox: JournalOutbox
  readonly budget: JournalBudget
}

const QUOTA: Stop = {
  outcome: 'journal_full',
  reason: "The run-store did not keep up: the unsettled journals filled the executor's quota on its disk.",
}
const SLOW: Stop = {
  outcome: 'journal_full',
  reason: "The executor's disk did not keep up with the samples.",
}

interface ChannelTotal {
  samples: number
  readonly digest: Hash
}

type Body = Pick<JournalRecord, 'phase' | 'log' | 'gap'>

export class AttemptJournal {
  private readonly joiner = new ChunkJoiner((joined) => this.chunk(joined))
  private readonly totals: readonly ChannelTotal[]
  private seq = 0
  private ended = false

  /** `channels`: how many the configuration samples. */
  constructor(
    private readonly attempt: Attempt,
    private readonly keeping: JournalKeeping,
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

  /** Resolves when it is on disk that the start command may be sent. Rejects when the disk does not take it. */
  async startIntent(): Promise<void> {
    try {
      await this.keeping.file.startIntent()
    } catch (error) {
      this.attempt.halt(brokenDisk(error))
      throw error
    }
  }

  /** Waits while the disk lags behind. A reason to stop, or null when there is room for more samples. */
  async room(): Promise<Stop | null> {
    const { file, budget } = this.keeping
    if (budget.full) return QUOTA
    const keepsUp = await file.room(this.attempt.signal)
    if (file.failure) return brokenDisk(file.failure)
    return keepsUp || this.attempt.stop ? null : SLOW
  }

  /** Records the samples that still wait for company. */
  flush(): void {
    this.joiner.flush()
  }

  /** The last record: on disk first (where that still takes anything), then on its way. */
  async end({ overloads, finalValues, ...conclusion }: Conclusion): Promise<void> {
    this.joiner.flush()
    const channels = this.totals.map(({ samples, digest }) => ({ samples, digest: digest.digest() }))
    const end = { ...conclusion, overloads, finalValues, channels }
    const record = this.write((address) => journalBatchOf({ ...address, end }))
    this.ended = true
    // The file has told its failure; the end is published all the same.
    await this.keeping.file.sync().catch(() => undefined)
    crashPoint('end-recorded')
    if (record) this.keeping.outbox.add({ ...record, last: true })
  }

  private chunk({ firstIndex, count, encoding, buffer, samplesAt }: JoinedSamples): void {
    const blockBytes = count * BYTES_PER_SAMPLE[encoding]
    const checksums = this.totals.map((total, channel) => {
      const at = samplesAt + channel * blockBytes
      const checksum = crc32(buffer.subarray(at, at + blockBytes))
      const word = Buffer.alloc(4)
      word.writeUInt32LE(checksum)
      total.digest.update(word)
      total.samples += count
      return checksum
    })
    const chunk = { firstIndex, count, encoding: sampleEncoding.toProto(encoding), checksums }
    this.record((address) => chunkBatchOf(address, chunk, { buffer, samplesAt }))
  }

  private append(body: Body): void {
    this.joiner.flush()
    this.record((address) => journalBatchOf({ ...address, ...body }))
  }

  private record(encode: (address: RecordAddress) => Uint8Array): void {
    const record = this.write(encode)
    if (record) this.keeping.outbox.add({ ...record, last: false })
  }

  /** Null once the journal has ended: a device that was given up may still speak. */
  private write(
    encode: (address: RecordAddress) => Uint8Array,
  ): { readonly seq: number; readonly bytes: number } | null {
    if (this.ended) return null
    const { command, epoch } = this.attempt
    const seq = this.seq++
    const record = encode({ runId: command.runId, attempt: command.attempt, epoch, seq, atMs: Date.now() })
    this.keeping.file.append(seq, record)
    return { seq, bytes: record.length }
  }
}

function brokenDisk(error: unknown): Stop {
  return { outcome: 'journal_full', reason: Problem.from(error).message }
}
