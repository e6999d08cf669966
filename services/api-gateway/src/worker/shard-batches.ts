/**
 * Updates of shards, many at once: while one request about a run is under way, the updates that come in wait and go
 * together in the next. So a run asks the store once per round trip, however many workers tell how far they are.
 */
import { Injectable } from '@nestjs/common'
import { store, type ShardUpdate, type ShardUpdateResult } from '@lucihub/contracts'
import { invariant } from '@lucihub/analog'
import { Bus } from '@lucihub/messaging'

/** Of one request: far below the bus's 1 MiB. */
const BATCH_MAX = 1_000

interface Waiting {
  readonly update: ShardUpdate
  resolve(result: ShardUpdateResult): void
  reject(failure: unknown): void
}

@Injectable()
export class ShardBatches {
  /** By run; an entry is there while a request is under way. */
  readonly #waiting = new Map<string, Waiting[]>()

  constructor(private readonly bus: Bus) {}

  tell(runId: string, update: ShardUpdate): Promise<ShardUpdateResult> {
    return new Promise((resolve, reject) => {
      const own = this.#waiting.get(runId)
      if (own) return void own.push({ update, resolve, reject })
      this.#waiting.set(runId, [{ update, resolve, reject }])
      void this.#work(runId)
    })
  }

  async #work(runId: string): Promise<void> {
    for (;;) {
      const batch = this.#waiting.get(runId)?.splice(0, BATCH_MAX) ?? []
      if (batch.length === 0) return void this.#waiting.delete(runId)
      try {
        const updates = batch.map(({ update }) => update)
        const { results } = await this.bus.call(store.updateShards, { runId, updates })
        batch.forEach(({ resolve }, at) => {
          const result = results[at]
          invariant(result, 'the store answers every update')
          resolve(result)
        })
      } catch (failure) {
        for (const { reject } of batch) reject(failure)
      }
    }
  }
}
