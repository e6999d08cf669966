/**
 * The last seconds of live views, and the progress of workers, in Redis: the only file that knows a Redis key. It is a cache of what can be
 * missed; whatever happens to Redis, callers get an empty answer within 200 ms and nothing else changes.
 *
 * lucihub:1:run:<run id>:view     list of ViewFrame messages (samples events only), newest last
 * lucihub:1:run:<run id>:shards   hash, index of a shard => "attempt completed eta time", what workers told last
 */
import { Logger, type OnApplicationShutdown } from '@nestjs/common'
import { ViewFrame, type RunEvent } from '@lucihub/contracts'
import { createClient, RESP_TYPES } from 'redis'

/** Frames kept per run: ten seconds at twenty frames per second. */
const FRAMES_MAX = 200
const KEPT_MS = 600_000
const TIMEOUT_MS = 200
/** After a failure Redis is left alone for so long. */
const CIRCUIT_OPEN_MS = 2_000
const RECONNECT_MAX_MS = 5_000

export class HotViewCache implements OnApplicationShutdown {
  private readonly logger = new Logger(HotViewCache.name)
  private readonly client
  private openUntil = 0

  /** Connects in the background, and again whenever the connection is lost. */
  constructor(url: string) {
    this.client = createClient({
      url,
      disableOfflineQueue: true,
      socket: { connectTimeout: 2_000, reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, RECONNECT_MAX_MS) },
    }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    this.client.on('error', (error: Error) => this.failed(error))
    this.client.connect().catch((error: Error) => this.failed(error))
  }

  async append(runId: string, events: readonly RunEvent[]): Promise<void> {
    const frame = Buffer.from(ViewFrame.encode({ runId: '', events }))
    await this.guarded(async () => {
      const key = keyOf(runId)
      await this.client.multi().rPush(key, frame).lTrim(key, -FRAMES_MAX, -1).pExpire(key, KEPT_MS).exec()
    }, undefined)
  }

  /** Oldest first. */
  async recent(runId: string): Promise<readonly RunEvent[]> {
    const frames = await this.guarded(() => this.client.lRange(keyOf(runId), 0, -1), [])
    return frames.flatMap((frame) => ViewFrame.decode(frame).events)
  }

  /** `told`: by index of the shard. */
  async keepProgress(runId: string, told: Readonly<Record<string, string>>): Promise<void> {
    await this.guarded(async () => {
      const key = progressKeyOf(runId)
      await this.client.multi().hSet(key, told).pExpire(key, KEPT_MS).exec()
    }, undefined)
  }

  /** By index of the shard. */
  async progress(runId: string): Promise<Readonly<Record<string, string>>> {
    const told = await this.guarded(() => this.client.hGetAll(progressKeyOf(runId)), {})
    return Object.fromEntries(Object.entries(told).map(([index, text]) => [index, text.toString()]))
  }

  onApplicationShutdown(): void {
    this.client.destroy()
  }

  private async guarded<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
    if (!this.client.isReady || performance.now() < this.openUntil) return otherwise
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS)
    })
    try {
      return await Promise.race([ask(), late])
    } catch (error) {
      this.failed(error)
      return otherwise
    } finally {
      clearTimeout(timer)
    }
  }

  private failed(error: unknown): void {
    const now = performance.now()
    if (now >= this.openUntil) this.logger.warn(`The live view is not kept for now: ${String(error)}`)
    this.openUntil = now + CIRCUIT_OPEN_MS
  }
}

function keyOf(runId: string): string {
  return `lucihub:1:run:${runId}:view`
}

function progressKeyOf(runId: string): string {
  return `lucihub:1:run:${runId}:shards`
}
