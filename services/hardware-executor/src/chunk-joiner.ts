/**
 * Joins the device's chunks (often 100 samples) into records that are as large as 50 ms and the page they will be
 * stored in allow. Samples are copied once, block by block, into a buffer that already has the record's layout,
 * channel after channel, behind room for what protobuf says before them. How large a buffer is made follows from
 * how full the last one got: a slow run does not pay for a page that it never fills.
 */
import { BYTES_PER_SAMPLE, type SampleChunk, type SampleEncoding } from '@lucihub/analog'
import { chunkHeadroom } from '@lucihub/contracts'

/** No record crosses a multiple of this many samples: the run-store's pages. */
export const PAGE_SAMPLES = 16_384
/** Samples per channel of the smallest and of the first buffer. */
const SMALLEST = 256
const FIRST = 4096
/** Longest time that a sample waits for company, ms. */
export const JOINED_WAIT_MS = 50
/** Bytes of samples in one record: the message with its frame stays under the bus's 1 MiB. */
export const JOINED_BYTES = 900 * 1024

/** Samples in a record's layout: channel after channel, each `count` samples wide, at the end of a buffer. */
export interface JoinedSamples {
  readonly firstIndex: number
  readonly count: number
  readonly encoding: SampleEncoding
  readonly channels: number
  readonly buffer: Uint8Array
  readonly samplesAt: number
}

interface Pending extends JoinedSamples {
  /** Samples per channel that fit. */
  readonly capacity: number
  count: number
}

export class ChunkJoiner {
  private pending: Pending | null = null
  private timer: NodeJS.Timeout | undefined
  private wanted = FIRST

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
    if (!pending) return
    const { count, capacity } = pending
    this.wanted = count === capacity ? Math.min(PAGE_SAMPLES, 2 * this.wanted) : Math.max(SMALLEST, 2 * count)
    this.emit(joined(pending))
  }

  /** The buffer that the chunk's sample `taken` continues, or a new one after a hole or a change of shape. */
  private pendingFor(chunk: SampleChunk, taken: number): Pending {
    const open = this.pending
    const next = chunk.firstIndex + taken
    if (open && continues(open, chunk, next)) return open
    this.flush()
    const fresh = pendingOf(chunk, next, this.wanted)
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

function pendingOf({ encoding, blocks }: SampleChunk, firstIndex: number, wanted: number): Pending {
  const channels = blocks.length
  const sampleBytes = Math.max(1, channels) * BYTES_PER_SAMPLE[encoding]
  const onPage = PAGE_SAMPLES - (firstIndex % PAGE_SAMPLES)
  const capacity = Math.min(wanted, onPage, Math.floor(JOINED_BYTES / sampleBytes))
  const samplesAt = chunkHeadroom(channels)
  return {
    firstIndex,
    encoding,
    channels,
    capacity,
    samplesAt,
    buffer: Buffer.allocUnsafeSlow(samplesAt + capacity * channels * BYTES_PER_SAMPLE[encoding]),
    count: 0,
  }
}

function copy(chunk: SampleChunk, { taken, samples }: { taken: number; samples: number }, pending: Pending): void {
  const width = BYTES_PER_SAMPLE[chunk.encoding]
  chunk.blocks.forEach((block, channel) => {
    pending.buffer.set(
      block.subarray(taken * width, (taken + samples) * width),
      pending.samplesAt + (channel * pending.capacity + pending.count) * width,
    )
  })
}

function joined({ capacity, ...pending }: Pending): JoinedSamples {
  const { count, encoding, channels, buffer, samplesAt } = pending
  if (count === capacity) return pending
  const width = BYTES_PER_SAMPLE[encoding]
  const fitting = Buffer.allocUnsafeSlow(samplesAt + count * channels * width)
  for (let channel = 0; channel < channels; channel++) {
    const from = samplesAt + channel * capacity * width
    fitting.set(buffer.subarray(from, from + count * width), samplesAt + channel * count * width)
  }
  return { ...pending, buffer: fitting }
}
