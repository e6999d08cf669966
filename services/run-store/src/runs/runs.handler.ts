import { Controller, Inject } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import {
  broadcasts,
  store,
  type CancelRunReply,
  type CancelRunRequest,
  type GetRunReply,
  type GetRunRequest,
  type ListRunsReply,
  type ListRunsRequest,
  type SubmitRunReply,
  type SubmitRunRequest,
} from '@lucihub/contracts'
import { Answer, Bus, type Call } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database } from '../database/database.ts'
import { DeviceRepository } from '../devices/device-repository.ts'
import { Dispatcher } from '../execution/dispatcher.ts'
import { poolFor } from '../people/pool-repository.ts'
import { HotView } from '../view/hot-view.ts'
import { HotProgress } from '../shards/hot-progress.ts'
import { mayStop, stop } from './cancellation.ts'
import { noSuchRun, RunRepository } from './run-repository.ts'
import { recordOf, type NewRun } from './insertion.ts'
import { judge, wantedClass } from './submission.ts'
import { isUuid } from './uuid7.ts'

const KEY_LENGTH_MAX = 255

@Controller()
export class SubmitHandler {
  constructor(
    private readonly runs: RunRepository,
    private readonly devices: DeviceRepository,
    private readonly dispatcher: Dispatcher,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  @Answer(store.submitRun)
  async submitRun({ ownerId, idempotencyKey, spec, role }: SubmitRunRequest, _call: Call): Promise<SubmitRunReply> {
    if (ownerId === '' || ownerId.includes('\0')) throw new Problem('invalid-request', 'A run needs an owner.')
    if (idempotencyKey.length > KEY_LENGTH_MAX || idempotencyKey.includes('\0'))
      throw new Problem('invalid-request', `An idempotency key has at most ${KEY_LENGTH_MAX} characters and no NUL.`)
    if (!spec) throw new Problem('invalid-request', 'A run needs a specification.')
    const known = await this.runs.byKey(ownerId, idempotencyKey, spec)
    if (known) return { run: known, existing: true }

    const device = await this.devices.named(spec.deviceId)
    const example = wantedClass(spec, device) === 'REDAC' && !device ? await this.devices.exampleOf('REDAC') : null
    const judged = judge(spec, { device, example })
    if ('violations' in judged)
      throw new Problem(
        'validation-failed',
        `The run has ${judged.violations.length} values that cannot be accepted.`,
        { violations: judged.violations },
      )
    const pool = spec.job?.pool ? await poolFor(this.database, { name: spec.job.pool, ownerId }) : null
    const run: NewRun = {
      ownerId,
      idempotencyKey,
      spec,
      submission: judged.submission,
      poolId: pool?.id ?? null,
      record: recordOf(spec),
      maxQueued: this.config.maxQueuedPerOwner,
    }
    const accepted = await this.runs.accept(run, { userId: ownerId, role: role || 'user' })
    crashPoint('submission-committed')
    if (!accepted.existing) this.dispatcher.wake()
    return accepted
  }
}

@Controller()
export class RunsHandler {
  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly dispatcher: Dispatcher,
    private readonly view: HotView,
    private readonly hot: HotProgress,
    private readonly bus: Bus,
  ) {}

  @Answer(store.getRun)
  async getRun({ ownerId, runId, role }: GetRunRequest, _call: Call): Promise<GetRunReply> {
    return { run: await this.runs.get({ userId: ownerId, role: role || 'user' }, runId) }
  }

  @Answer(store.listRuns)
  async listRuns(request: ListRunsRequest, _call: Call): Promise<ListRunsReply> {
    const { runs, nextSeq, total } = await this.runs.list(request)
    return { runs, nextCursor: nextSeq === 0 ? '' : String(nextSeq), total }
  }

  @Answer(store.cancelRun)
  async cancelRun({ ownerId, runId, role }: CancelRunRequest, _call: Call): Promise<CancelRunReply> {
    if (!isUuid(runId)) throw noSuchRun(runId)
    await mayStop(this.database, { userId: ownerId, role: role || 'user' }, runId)
    const { entered, asked } = await this.database.transaction((transaction) => stop(transaction, runId, 'CANCELED'))
    this.hot.forget(runId)
    crashPoint('cancellation-committed')
    // Both only make it faster: the next lease reply repeats the request, and the state can be read.
    for (const { host, ...attempt } of asked) this.bus.broadcast(broadcasts.cancelNudge, [host], attempt)
    for (const { runId: stopped, ...state } of entered) this.view.entered(stopped, state)
    if (entered.length > 0) this.dispatcher.wake()
    return { run: await this.runs.get({ userId: ownerId, role: role || 'user' }, runId) }
  }
}
