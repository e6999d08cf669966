/** Words of workers about shards and runs: taken hot where that is enough, else stored under the run's lock. */
import { Injectable } from '@nestjs/common'
import { isTerminal, Problem, type RunState } from '@lucihub/analog'
import { Database, type Statement, type Transaction } from '../database/database.ts'
import { noSuchRun } from '../runs/run-repository.ts'
import { isUuid } from '../runs/uuid7.ts'
import { HotProgress } from './hot-progress.ts'
import { updated, type ShardProgress, type ShardWord } from './shard-policy.ts'
import { lockRun, reduceRun, shardsOf, writeShards, type LockedRun, type RunEntered } from './shard-rows.ts'

export type WordResult = 'accepted' | 'ignored' | 'unknown' | 'refused'

export interface AddressedWord {
  readonly index: number
  readonly word: ShardWord
}

export interface WordAnswer {
  readonly result: WordResult
  /** Of the shard; CREATED for one that is not there. */
  readonly state: RunState
}

const NEXT_RUN = (mayTake: string): Statement => ({
  name: '',
  text: `SELECT r.id FROM run r
    WHERE r.engine = 'worker' AND r.state IN ('QUEUED', 'RUNNING') AND r.cancel_requested_at IS NULL AND ${mayTake}
      AND CASE WHEN $3::text = '' THEN r.pool_id IS NULL ELSE r.pool_id = (SELECT p.id FROM pool p WHERE p.name = $3) END
      AND (cardinality($4::text[]) = 0 OR r.job_type = ANY ($4))
      AND EXISTS (SELECT FROM shard s WHERE s.run_id = r.id AND s.state = 'QUEUED')
    ORDER BY r.priority DESC, r.seq LIMIT 1`,
})
/** Losing a race for the last shard of a run, a worker looks for another run this often. */
const CLAIM_TRIES = 20

@Injectable()
export class ShardUpdates {
  constructor(
    private readonly database: Database,
    private readonly hot: HotProgress,
  ) {}

  /** In the order of the words. `entered`: what the run became, to be told. Problem `not-found`. */
  async update(
    runId: string,
    words: readonly AddressedWord[],
  ): Promise<{ readonly answers: readonly WordAnswer[]; readonly entered: RunEntered | null }> {
    const answers: (WordAnswer | null)[] = words.map(({ index, word }) =>
      this.hot.take(runId, index, word) ? { result: 'accepted', state: 'RUNNING' } : null,
    )
    const hot = words.flatMap(({ index }, at) => (answers[at] ? [index] : []))
    await this.hot.publish(runId, hot)
    if (hot.length === words.length) return { answers: answers.flatMap((answer) => answer ?? []), entered: null }

    const rest = words.filter((_, at) => !answers[at])
    const { answers: stored, entered } = await this.store(runId, rest)
    let next = 0
    return { answers: answers.map((answer) => answer ?? stored[next++] ?? UNKNOWN), entered }
  }

  /** The same word about every shard that is open, and the run's own end where the word is one. */
  async enterState(
    runId: string,
    { state, reason }: { readonly state: RunState; readonly reason: string },
  ): Promise<{ readonly accepted: boolean; readonly entered: RunEntered | null }> {
    return this.locked(runId, async (transaction, run) => {
      const shards = await this.current(transaction, runId)
      if (isTerminal(run.state)) return { accepted: false, entered: null, shards }
      const word: ShardWord = { state, ...(reason !== '' && { error: reason }) }
      const open = shards.filter((shard) => !isTerminal(shard.state))
      const outcomes = open.map((shard) => updated(shard, word))
      const merging = run.state === 'MERGE_QUEUED' || run.state === 'MERGING'
      if (outcomes.some(({ kind }) => kind === 'refused') || (merging && state !== 'FAILED'))
        throw new Problem('state-conflict', `The run is ${run.state} and cannot become ${state} on a worker's word.`)
      const changed = outcomes.flatMap((outcome) => (outcome.kind === 'accepted' ? [outcome.shard] : []))
      await writeShards(transaction, runId, changed)
      const stopped = state === 'FAILED' || state === 'CANCELED' || state === 'TIMED_OUT' ? { state, reason } : null
      return { accepted: true, entered: await reduceRun(transaction, run, stopped), shards: changed }
    })
  }

  /** The next shard that waits, now at work; null when there is none. */
  async claim(
    mayTake: string,
    values: readonly [userId: string, role: string, pool: string, jobTypes: readonly string[]],
    workerId: string,
  ): Promise<{ readonly runId: string; readonly index: number; readonly entered: RunEntered | null } | null> {
    for (let tries = 0; tries < CLAIM_TRIES; tries++) {
      const [next] = await this.database.query<{ readonly id: string }>(NEXT_RUN(mayTake), values)
      if (!next) return null
      const taken = await this.locked(next.id, async (transaction, run) => {
        const shards = await shardsOf(transaction, run.id)
        const shard = isTerminal(run.state) || run.cancel_requested ? undefined : shards.find(waits)
        if (!shard) return { index: -1, entered: null, shards: [] }
        const running: ShardProgress = { ...shard, state: 'RUNNING', workerId }
        await writeShards(transaction, run.id, [running])
        return { index: shard.index, entered: await reduceRun(transaction, run), shards: [running] }
      })
      if (taken.index >= 0) return { runId: next.id, index: taken.index, entered: taken.entered }
    }
    return null
  }

  private store(runId: string, words: readonly AddressedWord[]) {
    return this.locked(runId, async (transaction, run) => {
      const shards = new Map((await this.current(transaction, runId)).map((shard) => [shard.index, shard]))
      const changed = new Map<number, ShardProgress>()
      const answers = words.map(({ index, word }): WordAnswer => {
        const shard = shards.get(index)
        if (!shard) return UNKNOWN
        const outcome = isTerminal(run.state) ? ({ kind: 'ignored' } as const) : updated(shard, word)
        if (outcome.kind !== 'accepted') return { result: outcome.kind, state: shard.state }
        shards.set(index, outcome.shard)
        changed.set(index, outcome.shard)
        return { result: 'accepted', state: outcome.shard.state }
      })
      await writeShards(transaction, runId, [...changed.values()])
      const entered = changed.size > 0 ? await reduceRun(transaction, run) : null
      return { answers, entered, shards: [...changed.values()] }
    })
  }

  private async current(transaction: Transaction, runId: string): Promise<ShardProgress[]> {
    return (await shardsOf(transaction, runId)).map((shard) => this.hot.latest(runId, shard))
  }

  /** Under the run's lock; what was stored is hot from the commit on. Problem `not-found`. */
  private async locked<T extends { readonly shards: readonly ShardProgress[]; readonly entered: RunEntered | null }>(
    runId: string,
    work: (transaction: Transaction, run: LockedRun) => Promise<T>,
  ): Promise<T> {
    if (!isUuid(runId)) throw noSuchRun(runId)
    const done = await this.database.transaction(async (transaction) => {
      const run = await lockRun(transaction, runId)
      if (!run) throw noSuchRun(runId)
      if (run.engine !== 'worker')
        throw new Problem('state-conflict', 'The hub does this run itself; workers have no say in it.')
      return work(transaction, run)
    })
    if (done.entered && isTerminal(done.entered.state)) this.hot.forget(runId)
    else this.hot.stored(runId, done.shards)
    return done
  }
}

const UNKNOWN: WordAnswer = { result: 'unknown', state: 'CREATED' }

function waits(shard: ShardProgress): boolean {
  return shard.state === 'QUEUED'
}
