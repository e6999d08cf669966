import { Controller, Inject } from '@nestjs/common'
import { Problem, RUN_KINDS, RUN_STATES } from '@lucihub/analog'
import {
  broadcasts,
  runKind,
  runState,
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
import { HotView } from '../view/hot-view.ts'
import { cancel } from './cancellation.ts'
import { noSuchRun, RunRepository } from './run-repository.ts'
import { judge, wantedClass } from './submission.ts'
import { isUuid } from './uuid7.ts'

const LIST_LIMIT = { max: 200, default: 50 } as const
const KEY_LENGTH_MAX = 255

@Controller()
export class SubmitHandler {
  constructor(
    private readonly runs: RunRepository,
    private readonly devices: DeviceRepository,
    private readonly dispatcher: Dispatcher,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  @Answer(store.submitRun)
  async submitRun({ ownerId, idempotencyKey, spec }: SubmitRunRequest, _call: Call): Promise<SubmitRunReply> {
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
    const accepted = await this.runs.accept({
      ownerId,
      idempotencyKey,
      spec,
      submission: judged.submission,
      maxQueued: this.config.maxQueuedPerOwner,
    })
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
    private readonly bus: Bus,
  ) {}

  @Answer(store.getRun)
  async getRun({ ownerId, runId }: GetRunRequest, _call: Call): Promise<GetRunReply> {
    return { run: await this.runs.get(ownerId, runId) }
  }

  @Answer(store.listRuns)
  async listRuns(request: ListRunsRequest, _call: Call): Promise<ListRunsReply> {
    const { runs, nextSeq } = await this.runs.list({
      ownerId: request.ownerId,
      states: RUN_STATES.filter((state) => request.states.includes(runState.toProto(state))),
      kinds: RUN_KINDS.filter((kind) => request.kinds.includes(runKind.toProto(kind))),
      deviceId: request.deviceId.replaceAll('\0', ''),
      beforeSeq: seqOf(request.cursor),
      limit: Math.min(request.limit || LIST_LIMIT.default, LIST_LIMIT.max),
    })
    return { runs, nextCursor: nextSeq === 0 ? '' : String(nextSeq) }
  }

  @Answer(store.cancelRun)
  async cancelRun({ ownerId, runId }: CancelRunRequest, _call: Call): Promise<CancelRunReply> {
    if (!isUuid(runId)) throw noSuchRun(runId)
    const done = await this.database.transaction((transaction) => cancel(transaction, { ownerId, runId }))
    crashPoint('cancellation-committed')
    // Both only make it faster: the next lease reply repeats the request, and the state can be read.
    if (done.kind === 'asked') this.bus.broadcast(broadcasts.cancelNudge, [done.host], { runId, attempt: done.attempt })
    if (done.kind === 'canceled') {
      this.view.entered(runId, { attempt: done.attempt, state: 'CANCELED', reason: 'canceled by its user' })
      this.dispatcher.wake()
    }
    return { run: await this.runs.get(ownerId, runId) }
  }
}

function seqOf(cursor: string): number {
  if (cursor === '') return Number.MAX_SAFE_INTEGER
  if (!/^[1-9][0-9]{0,15}$/.test(cursor))
    throw new Problem('invalid-request', `"${cursor.slice(0, 40)}" is not a cursor of this list.`)
  return Number(cursor)
}
