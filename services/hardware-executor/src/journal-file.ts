/**
 * The journal of one attempt on disk: a directory of segments that are only appended to. Records are written as they
 * come, off the hot path, and synced in groups; who must be sure that a record survives a power cut awaits `sync`.
 * Whole segments go when the run-store has all of them, the directory when it has all there is. A record stays in
 * memory until it has been published, so that the way back from the disk is taken only by those that lag behind.
 *
 * A disk that fails (full, gone) does not lose records: they stay in memory and are published, but `failure` says
 * that the run cannot go on.
 */
import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Logger } from '@nestjs/common'
import { Problem, invariant } from '@lucihub/analog'
import { JournalBatch, JournalSegment } from '@lucihub/contracts'
import type { JournalBudget } from './journal-budget.ts'
import { FRAME_HEAD_BYTES, frameAt, frameHead, framesOf, type FrameKind } from './journal-frames.ts'

export interface JournalLimits {
  /** A segment is closed when it has so many bytes. */
  readonly segmentBytes: number
  /** Bytes kept in memory for records that are written but not published yet. */
  readonly memoryBytes: number
}

const LIMITS: JournalLimits = { segmentBytes: 16 * 1024 * 1024, memoryBytes: 32 * 1024 * 1024 }
/** Synced when so many bytes are not, or so long after the first of them, whichever comes first. */
const SYNC = { bytes: 4 * 1024 * 1024, ms: 50 } as const
/** Bytes of one write. */
const WRITE_BYTES = 4 * 1024 * 1024
/** Unwritten bytes above which `room` waits. */
const UNWRITTEN_BYTES = 16 * 1024 * 1024
/** How long `room` waits for a slow disk, ms; less than the silence that an attempt allows its device. */
export const ROOM_WAIT_MS = 8_000

/** Whose journal it is. */
export type JournalAddress = Pick<JournalSegment, 'host' | 'deviceId' | 'runId' | 'attempt' | 'epoch'>

/** What a journal that an earlier process left amounts to. */
export interface RecoveredJournal {
  readonly file: JournalFile
  readonly address: JournalAddress
  /** seqs that can be read, in rising order. */
  readonly seqs: readonly number[]
  /** True when the start command may have been sent. */
  readonly started: boolean
  /** True when its last record is an end. */
  readonly ended: boolean
}

interface Segment {
  readonly firstSeq: number
  readonly path: string
  handle: FileHandle | null
  bytes: number
}

interface Place {
  readonly segment: Segment
  /** Of the frame. */
  readonly offset: number
  /** Of the frame. */
  readonly length: number
}

interface Unwritten {
  readonly kind: FrameKind
  /** Null for what is no record. */
  readonly seq: number | null
  readonly payload: Uint8Array
}

const EMPTY = new Uint8Array()

export class JournalFile {
  private readonly log = new Logger('JournalFile')
  private readonly segments: Segment[] = []
  private readonly places = new Map<number, Place>()
  private readonly memory = new Map<number, Uint8Array>()
  private memoryBytes = 0
  private queue: Unwritten[] = []
  private queuedBytes = 0
  private started = false
  /** seq behind the last record. */
  private next = 0
  /** Frames taken, written, and known to survive a power cut. */
  private taken = 0
  private written = 0
  private synced = 0
  private unsyncedBytes = 0
  private syncTimer: NodeJS.Timeout | undefined
  private writing: Promise<void> | null = null
  private syncing: Promise<void> | null = null
  private removed = false
  private readonly waiting = new Set<() => void>()
  /** Why nothing more reaches the disk; null while all is well. */
  failure: Problem | null = null

  private constructor(
    private readonly folder: string,
    private readonly address: JournalAddress,
    private readonly budget: JournalBudget,
    private readonly limits: JournalLimits,
  ) {}

  /** A new journal. That it exists is written at once: whoever dies before the first record still leaves whose attempt it had. */
  static create(folder: string, address: JournalAddress, budget: JournalBudget, limits = LIMITS): JournalFile {
    const file = new JournalFile(folder, address, budget, limits)
    file.writing = file.writeAll()
    return file
  }

  /** A journal that an earlier process left, cut back to what is whole; null when nothing tells whose it is. */
  static async recover(folder: string, budget: JournalBudget): Promise<RecoveredJournal | null> {
    const names = (await readdir(folder)).filter((name) => /^\d+\.journal$/.test(name)).sort()
    let file: JournalFile | null = null
    let ended = false
    for (const name of names) {
      const path = join(folder, name)
      const handle = await open(path, 'r+')
      const bytes = await handle.readFile()
      const { frames, end } = framesOf(bytes)
      const [head] = frames
      if (head?.kind !== 'segment') {
        await handle.close()
        await rm(path)
        continue
      }
      if (end < bytes.length) await handle.truncate(end)
      const { firstSeq, started, ...address } = JournalSegment.decode(head.payload)
      file ??= new JournalFile(folder, address, budget, LIMITS)
      await file.segments.at(-1)?.handle?.close()
      const segment: Segment = { firstSeq, path, handle, bytes: end }
      file.adopt(segment, started)
      for (const { kind, offset, payload } of frames) {
        if (kind === 'startIntent') file.started = true
        if (kind !== 'record') continue
        const [record] = JournalBatch.decode(payload).records
        invariant(record, 'a frame of a record holds one')
        const at = offset - FRAME_HEAD_BYTES
        file.places.set(record.seq, { segment, offset: at, length: FRAME_HEAD_BYTES + payload.length })
        file.next = Math.max(file.next, record.seq + 1)
        ended = Boolean(record.end)
      }
    }
    if (!file) return null
    const seqs = [...file.places.keys()].sort((a, b) => a - b)
    return { file, address: file.address, seqs, started: file.started, ended }
  }

  /** Takes an encoded record (a `JournalBatch` of one); its bytes must not change any more. */
  append(seq: number, bytes: Uint8Array): void {
    this.next = seq + 1
    this.memory.set(seq, bytes)
    this.memoryBytes += bytes.length
    this.enqueue({ kind: 'record', seq, payload: bytes })
  }

  /** Resolves when it is on disk that the start command may follow. Rejects with the failure of the disk. */
  async startIntent(): Promise<void> {
    this.started = true
    this.enqueue({ kind: 'startIntent', seq: null, payload: EMPTY })
    await this.sync()
  }

  /** Resolves when all that was taken so far would survive a power cut. Rejects with the failure of the disk. */
  async sync(): Promise<void> {
    const wanted = this.taken
    while (this.synced < wanted && !this.removed) {
      if (this.failure) throw this.failure
      if (this.written === this.synced) await this.nextWrite()
      else await this.syncOnce().catch(() => undefined) // the loop throws it
    }
  }

  /** A record, from memory or disk; null when it is neither here nor there. */
  async read(seq: number): Promise<Uint8Array | null> {
    const remembered = this.memory.get(seq)
    if (remembered) return remembered
    const place = this.places.get(seq)
    if (!place) return null
    const bytes = Buffer.allocUnsafeSlow(place.length)
    try {
      const handle = place.segment.handle ?? (await open(place.segment.path, 'r'))
      try {
        await handle.read(bytes, 0, place.length, place.offset)
      } finally {
        if (handle !== place.segment.handle) await handle.close()
      }
    } catch (error) {
      this.log.error(`Record ${seq} of ${this.folder} cannot be read: ${String(error)}`)
      return null
    }
    return frameAt(bytes, 0)?.payload ?? null
  }

  /** Bytes of an encoded record; 0 for one that is not here. */
  bytesOf(seq: number): number {
    const place = this.places.get(seq)
    return place ? place.length - FRAME_HEAD_BYTES : (this.memory.get(seq)?.length ?? 0)
  }

  /** The stream has it: it need not stay in memory once it is written. */
  published(seq: number): void {
    if (this.places.has(seq)) this.forget(seq)
  }

  /** Drops the segments that hold only records below `contiguous`. */
  async prune(contiguous: number): Promise<void> {
    while ((this.segments[1]?.firstSeq ?? Infinity) <= contiguous) {
      const segment = this.segments.shift()
      invariant(segment, 'a segment before the second')
      for (const [seq, place] of this.places) {
        if (place.segment !== segment) continue
        this.forget(seq)
        this.places.delete(seq)
      }
      this.budget.give(segment.bytes)
      await segment.handle?.close()
      await rm(segment.path, { force: true })
    }
  }

  /** Resolves true as soon as the disk keeps up, false when it did not for `ROOM_WAIT_MS` or the signal came first. */
  async room(signal: AbortSignal): Promise<boolean> {
    if (this.queuedBytes < UNWRITTEN_BYTES) return true
    const gaveUp = AbortSignal.any([signal, AbortSignal.timeout(ROOM_WAIT_MS)])
    while (this.queuedBytes >= UNWRITTEN_BYTES && !gaveUp.aborted && !this.failure) await this.nextWrite(gaveUp)
    return this.queuedBytes < UNWRITTEN_BYTES
  }

  /** Leaves everything on disk for the next process. */
  async close(): Promise<void> {
    await this.sync().catch(() => undefined) // the failure was told when it happened
    clearTimeout(this.syncTimer)
    await this.last()?.handle?.close()
  }

  /** Nothing of it is needed any more. */
  async remove(): Promise<void> {
    this.removed = true
    clearTimeout(this.syncTimer)
    this.queue = []
    this.queuedBytes = 0
    this.wake()
    await this.writing
    await this.syncing?.catch(() => undefined) // what cannot be synced is removed all the same
    for (const segment of this.segments.splice(0)) {
      this.budget.give(segment.bytes)
      await segment.handle?.close()
    }
    this.places.clear()
    this.memory.clear()
    await rm(this.folder, { recursive: true, force: true })
  }

  private adopt(segment: Segment, started: boolean): void {
    this.segments.push(segment)
    this.started ||= started
    this.next = Math.max(this.next, segment.firstSeq)
    this.budget.take(segment.bytes)
  }

  private last(): Segment | undefined {
    return this.segments.at(-1)
  }

  private forget(seq: number): void {
    this.memoryBytes -= this.memory.get(seq)?.length ?? 0
    this.memory.delete(seq)
  }

  private enqueue(frame: Unwritten): void {
    this.taken++
    if (this.failure || this.removed) return
    this.queue.push(frame)
    this.queuedBytes += frame.payload.length
    this.writing ??= this.writeAll()
  }

  /** One write at a time; what comes meanwhile goes with the next. */
  private async writeAll(): Promise<void> {
    // A turn later: what is appended in one go is written in one go.
    await Promise.resolve()
    try {
      if (!this.last()) await this.openSegment()
      while (this.queue.length > 0) await this.writeSome()
    } catch (cause) {
      this.fail(cause)
    }
    this.writing = null
    this.wake()
  }

  private async writeSome(): Promise<void> {
    const segment = await this.openSegment()
    const frames = this.cut()
    const buffers: Uint8Array[] = []
    let end = segment.bytes
    const places: [seq: number, place: Place][] = []
    for (const { kind, seq, payload } of frames) {
      const length = FRAME_HEAD_BYTES + payload.length
      buffers.push(frameHead(kind, payload), payload)
      if (seq !== null) places.push([seq, { segment, offset: end, length }])
      end += length
    }
    await writeFully(segment, buffers)
    this.budget.take(end - segment.bytes)
    this.unsyncedBytes += end - segment.bytes
    segment.bytes = end
    this.written += frames.length
    for (const [seq, place] of places) this.places.set(seq, place)
    this.evict()
    this.wake()
    if (this.unsyncedBytes >= SYNC.bytes) this.syncSoon()
    else this.syncTimer ??= setTimeout(() => this.syncSoon(), SYNC.ms)
  }

  private cut(): Unwritten[] {
    let bytes = 0
    const count = this.queue.findIndex(({ payload }, at) => (bytes += payload.length) > WRITE_BYTES && at > 0)
    const frames = this.queue.splice(0, count < 0 ? this.queue.length : count)
    this.queuedBytes -= frames.reduce((sum, { payload }) => sum + payload.length, 0)
    return frames
  }

  /** The segment to write to: the last one, or a new one with its head. */
  private async openSegment(): Promise<Segment> {
    const last = this.last()
    if (last?.handle && last.bytes < this.limits.segmentBytes) return last
    if (last?.handle) {
      while (this.synced < this.written) await this.syncOnce()
      // Nothing unsynced is left, so nobody else uses the handle from here on.
      const { handle } = last
      last.handle = null
      await handle.close()
    }
    const firstSeq = this.queue.find(({ seq }) => seq !== null)?.seq ?? this.next
    const path = join(this.folder, `${String(firstSeq).padStart(12, '0')}.journal`)
    await mkdir(this.folder, { recursive: true })
    const head = JournalSegment.encode({ ...this.address, firstSeq, started: this.started })
    const segment: Segment = { firstSeq, path, handle: await open(path, 'wx+'), bytes: 0 }
    this.segments.push(segment)
    await writeFully(segment, [frameHead('segment', head), head])
    segment.bytes = FRAME_HEAD_BYTES + head.length
    this.budget.take(segment.bytes)
    return segment
  }

  /** A failure is noted, and told to whoever asks for room or a sync. */
  private syncSoon(): void {
    this.syncOnce().catch(() => undefined)
  }

  /** Calls at the same time share one pass. */
  private syncOnce(): Promise<void> {
    this.syncing ??= this.syncWritten().finally(() => (this.syncing = null))
    return this.syncing
  }

  private async syncWritten(): Promise<void> {
    clearTimeout(this.syncTimer)
    this.syncTimer = undefined
    if (this.removed || this.failure) return
    const { written, unsyncedBytes } = this
    const handle = this.last()?.handle
    try {
      await handle?.datasync()
      this.synced = written
      this.unsyncedBytes -= unsyncedBytes
    } catch (cause) {
      this.fail(cause)
      throw cause
    }
  }

  private fail(cause: unknown): void {
    if (this.failure || this.removed) return
    this.failure = new Problem('unavailable', `The journal cannot be written: ${String(cause)}`, { cause })
    this.log.error(`${this.folder}: ${this.failure.message}`)
    this.queue = []
    this.queuedBytes = 0
  }

  /** Written records leave the memory, oldest first, when it holds too many. */
  private evict(): void {
    for (const seq of this.memory.keys()) {
      if (this.memoryBytes <= this.limits.memoryBytes || !this.places.has(seq)) return
      this.forget(seq)
    }
  }

  private nextWrite(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.waiting.delete(done)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.waiting.add(done)
      signal?.addEventListener('abort', done)
    })
  }

  private wake(): void {
    for (const done of [...this.waiting]) done()
  }
}

/** At the segment's end, also when the system takes it in pieces. */
async function writeFully({ handle, bytes }: Segment, buffers: readonly Uint8Array[]): Promise<void> {
  invariant(handle, 'an open segment')
  const wanted = buffers.reduce((sum, { length }) => sum + length, 0)
  const { bytesWritten } = await handle.writev([...buffers], bytes)
  if (bytesWritten === wanted) return
  const rest = Buffer.concat(buffers).subarray(bytesWritten)
  for (let at = 0; at < rest.length;) {
    const written = await handle.write(rest, at, rest.length - at, bytes + bytesWritten + at)
    at += written.bytesWritten
  }
}
