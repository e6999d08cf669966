/**
 * Joins the device's chunks (often 100 samples) into records of about 4 096 samples per channel or 50 ms,
 * whichever comes first. Samples are copied once, block by block, into a buffer that already has the
 * record's layout, channel after channel; a full buffer is handed on as it is.
 */
import { BYTES_PER_SAMPLE, type SampleChunk, type SampleEncoding } from '@lucihub/analog'

/** Samples per channel of a full record. */
export const JOINED_SAMPLES = 4096
/** Longest time that a sample waits for company, ms. */
export const JOINED_WAIT_MS = 50
/** Bytes of samples in one record: the message with its frame stays under the bus's 1 MiB. */
export const JOINED_BYTES = 900 * 1024

/** Samples in a record's layout: channel after channel, each `count` samples wide. */
export interface JoinedSamples {
  readonly firstIndex: number
  readonly count: number
  readonly encoding: SampleEncoding
  readonly channels: number
  readonly samples: Uint8Array
}

interface Pending {
  readonly firstIndex: number
  readonly encoding: SampleEncoding
  readonly channels: number
  /** Samples per channel that fit. */
  readonly capacity: number
  readonly buffer: Uint8Array
  count: number
}

export class ChunkJoiner {
  private pending: Pending | null = null
  private timer: NodeJS.Timeout | undefined

  /** `emit` gets each record in index order: from `add`, from `flush`, or from the timer. */
  constructor(private readonly emit: (joined: JoinedSamples) => void) {}

  add(chunk: SampleChunk): void {
    let taken = 0
    while (taken < chunk.count) {
      const pending = this.pendingFor(chunk, taken)
      const samples = Math.min(pending.capacity - pending.count, chunk.count - taken)
      copy(chunk, { taken, samples }, pending)
      pending.count += samples
      taken += samples
      if (pending.count === pending.capacity) this.flush()
    }
  }

  /** Hands on what is waiting. */
  flush(): void {
    clearTimeout(this.timer)
    const pending = this.pending
    this.pending = null
    if (pending) this.emit(joined(pending))
  }

  /** The buffer that the chunk's sample `taken` continues, or a new one after a hole or a change of shape. */
  private pendingFor(chunk: SampleChunk, taken: number): Pending {
    const open = this.pending
    const next = chunk.firstIndex + taken
    if (open && continues(open, chunk, next)) return open
    this.flush()
    const fresh = pendingOf(chunk, next)
    this.pending = fresh
    this.timer = setTimeout(() => this.flush(), JOINED_WAIT_MS)
    return fresh
  }
}

function continues(pending: Pending, chunk: SampleChunk, next: number): boolean {
  return (
    pending.firstIndex + pending.count === next &&
    pending.encoding === chunk.encoding &&
    pending.channels === chunk.blocks.length
  )
}

function pendingOf({ encoding, blocks }: SampleChunk, firstIndex: number): Pending {
  const channels = blocks.length
  const sampleBytes = Math.max(1, channels) * BYTES_PER_SAMPLE[encoding]
  const capacity = Math.min(JOINED_SAMPLES, Math.floor(JOINED_BYTES / sampleBytes))
  return {
    firstIndex,
    encoding,
    channels,
    capacity,
    buffer: new Uint8Array(capacity * channels * BYTES_PER_SAMPLE[encoding]),
    count: 0,
  }
}

function copy(chunk: SampleChunk, { taken, samples }: { taken: number; samples: number }, pending: Pending): void {
  const width = BYTES_PER_SAMPLE[chunk.encoding]
  chunk.blocks.forEach((block, channel) => {
    pending.buffer.set(
      block.subarray(taken * width, (taken + samples) * width),
      (channel * pending.capacity + pending.count) * width,
    )
  })
}

function joined({ firstIndex, count, encoding, channels, capacity, buffer }: Pending): JoinedSamples {
  if (count === capacity) return { firstIndex, count, encoding, channels, samples: buffer }
  const width = BYTES_PER_SAMPLE[encoding]
  const samples = new Uint8Array(count * channels * width)
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * capacity * width
    samples.set(buffer.subarray(from, from + count * width), channel * count * width)
  }
  return { firstIndex, count, encoding, channels, samples }
}
