/**
 * The other side of the bus, as a spec drives it: a host that leases, claims and publishes a journal record by
 * record, in whatever order and as often as the spec wants. It only builds messages; it decides nothing.
 */
import { createHash, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  feeds,
  store,
  type ClaimReply,
  type JournalRecord,
  type LeaseReply,
  type RunCommand,
  type WatermarkReply,
} from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { eventually } from './hub.ts'

export interface Claimed {
  readonly runId: string
  readonly attempt: number
  readonly deviceId: string
  readonly epoch: number
  readonly deviceRunId: string
}

export type Content = Pick<JournalRecord, 'phase' | 'log' | 'chunk' | 'gap' | 'end'>

export class FakeExecutor {
  readonly commands: RunCommand[] = []
  /** Boots of this host that it calls dead. */
  deadBoots: string[] = []
  private publications = 0

  private constructor(
    readonly bus: Bus,
    readonly host: string,
    public bootId: string,
  ) {
    bus.subscribe(feeds.runCommand, {}, (command, subject) => {
      if (subject.split('.')[3] === host) this.commands.push(command)
    })
  }

  static async connect({ url, host }: { readonly url: string; readonly host: string }): Promise<FakeExecutor> {
    return new FakeExecutor(await Bus.connect({ url, name: 'fake-executor', host }), host, randomUUID())
  }

  lease(...devices: string[]): Promise<LeaseReply> {
    return this.bus.call(store.lease, { host: this.host, bootId: this.bootId, devices, deadBoots: this.deadBoots })
  }

  /** The epoch of a device's lease; asks until the store gives one. */
  epochOf(deviceId: string): Promise<number> {
    return eventually(async () => (await this.lease(deviceId)).leases[0]?.epoch, `${this.host} leases ${deviceId}`)
  }

  command(runId: string, attempt = 1): Promise<RunCommand> {
    return eventually(
      () => this.commands.find((command) => command.runId === runId && command.attempt === attempt),
      `attempt ${attempt} of ${runId} is dispatched`,
    )
  }

  claim(command: RunCommand, epoch: number): Promise<ClaimReply> {
    return this.bus.call(store.claim, {
      runId: command.runId,
      attempt: command.attempt,
      deviceId: command.deviceId,
      host: this.host,
      bootId: this.bootId,
      epoch,
    })
  }

  /** Leases the device, waits for the command, claims it. */
  async take(runId: string, deviceId: string, attempt = 1): Promise<Claimed> {
    const epoch = await this.epochOf(deviceId)
    const command = await this.command(runId, attempt)
    const { result, deviceRunId } = await this.claim(command, epoch)
    if (result !== 1) throw new Error(`the claim was answered ${result}`)
    return { runId, attempt, deviceId, epoch, deviceRunId }
  }

  watermark({ runId, attempt }: Pick<Claimed, 'runId' | 'attempt'>, published: number): Promise<WatermarkReply> {
    return this.bus.call(store.watermark, { host: this.host, runId, attempt, published })
  }

  /** Publishes one record under its own id, also when it was published before. */
  publish(
    claimed: Pick<Claimed, 'runId' | 'attempt' | 'deviceId' | 'epoch'>,
    seq: number,
    content: Content,
  ): Promise<void> {
    const { runId, attempt, deviceId, epoch } = claimed
    return this.bus.publish(
      feeds.journal,
      [this.host, deviceId, runId],
      { records: [{ runId, attempt, epoch, seq, atMs: 1_000 + seq, ...content }] },
      { id: `${runId}/${attempt}/${seq}/${this.publications++}` },
    )
  }

  async publishAll(claimed: Claimed, journal: readonly Content[]): Promise<void> {
    await Promise.all(journal.map((content, seq) => this.publish(claimed, seq, content)))
  }

  close(): Promise<void> {
    return this.bus.drain()
  }
}

/** Chunks of at most `size` samples per channel. */
export function chunksOf(channels: readonly Float32Array[], size: number, firstIndex = 0): Content[] {
  const total = channels[0]?.length ?? 0
  const chunks: Content[] = []
  for (let from = 0; from < total; from += size) {
    const blocks = channels.map((channel) => Buffer.from(channel.slice(from, from + size).buffer))
    chunks.push({
      chunk: {
        firstIndex: firstIndex + from,
        count: Math.min(size, total - from),
        encoding: 1,
        samples: Buffer.concat(blocks),
        checksums: blocks.map((block) => crc32(block)),
      },
    })
  }
  return chunks
}

export interface End {
  readonly outcome?: string
  readonly reason?: string
  readonly started?: boolean
}

/** The end record whose manifest fits the chunks of a journal. */
export function endOf(
  journal: readonly Content[],
  numChannels: number,
  { outcome = 'ok', reason = '', started = true }: End = {},
): Content {
  const chunks = journal.flatMap(({ chunk }) => chunk ?? [])
  const channels = Array.from({ length: numChannels }, (_, channel) => {
    const digest = createHash('sha256')
    for (const { checksums } of chunks) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(checksums[channel] ?? 0)
      digest.update(bytes)
    }
    return { samples: chunks.reduce((sum, chunk) => sum + chunk.count, 0), digest: digest.digest() }
  })
  return { end: { outcome, reason, started, channels, overloads: [3, 17], finalValues: [0.5, -0.25] } }
}

/** Phases, chunks and the end of a run that went well. */
export function journalOf(channels: readonly Float32Array[], size: number, end: End = {}): Content[] {
  const before: Content[] = [
    { phase: { phase: 'IC', timeNs: 0, reason: '' } },
    { phase: { phase: 'OP', timeNs: 100_000, reason: '' } },
    ...chunksOf(channels, size),
    { log: { lines: ['the device is content'] } },
  ]
  return [...before, endOf(before, channels.length, end)]
}

/** A channel that never repeats itself. */
export function wave(length: number, phase: number): Float32Array {
  return Float32Array.from(
    { length },
    (_, index) => Math.sin(index * 0.001 + phase) + Math.sin(index * 1.7 + phase) * 0.01,
  )
}
