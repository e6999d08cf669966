import { Controller, Inject } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import {
  store,
  type ClaimReply,
  type ClaimRequest,
  type LeaseReply,
  type LeaseRequest,
  type WatermarkReply,
  type WatermarkRequest,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database } from '../database/database.ts'
import { activeDeviceToProto } from '../devices/device-repository.ts'
import { HotView } from '../view/hot-view.ts'
import { Dispatcher } from './dispatcher.ts'
import { cancelsOf, claim, lease } from './leases.ts'
import { watermark } from './watermark.ts'

/** What executors ask. The host is the subject's last token, which permissions bind to the caller. */
@Controller()
export class LeasesHandler {
  constructor(
    private readonly database: Database,
    private readonly dispatcher: Dispatcher,
    private readonly view: HotView,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  @Answer(store.lease)
  async lease({ host, bootId, devices, deadBoots }: LeaseRequest, call: Call): Promise<LeaseReply> {
    refuseForeign(host, call)
    const { leaseTtlMs: ttlMs, leaseGraceMs: graceMs } = this.config
    const [held, cancels] = await Promise.all([
      lease(this.database, { host, bootId, devices, ttlMs, graceMs, deadBoots }),
      cancelsOf(this.database, host),
    ])
    crashPoint('lease-granted')
    if (held.length > 0) this.dispatcher.wake()
    return {
      leases: held.map((row) => ({ device: activeDeviceToProto(row), epoch: row.epoch, ttlMs })),
      cancels: cancels.map(({ run_id, number }) => ({ runId: run_id, attempt: number })),
    }
  }

  @Answer(store.claim)
  async claim(request: ClaimRequest, call: Call): Promise<ClaimReply> {
    refuseForeign(request.host, call)
    const { fresh, result, deviceRunId, parent } = await claim(this.database, request)
    crashPoint('claim-committed')
    if (fresh) this.view.entered(request.runId, { attempt: request.attempt, state: 'RUNNING', reason: '' })
    if (parent) this.view.entered(parent.runId, { attempt: 0, ...parent })
    return { result, deviceRunId }
  }

  @Answer(store.watermark)
  async watermark({ host, runId, attempt, published }: WatermarkRequest, call: Call): Promise<WatermarkReply> {
    refuseForeign(host, call)
    return watermark(this.database, { host, runId, attempt, published })
  }
}

function refuseForeign(host: string, call: Call): void {
  if (host === '' || host !== call.host)
    throw new Problem('forbidden', `The host "${call.host}" may not speak for "${host.slice(0, 64)}".`)
}
