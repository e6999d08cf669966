/**
 * The run-store's side of execution, kept in memory: leases, the claim gate, the journal as it arrived and
 * the watermark over it. A service like the real one, on the same bus.
 */
import { Controller, Inject, Module } from '@nestjs/common'
import {
  ClaimResult,
  broadcasts,
  feeds,
  store,
  type ActiveDevice,
  type ClaimReply,
  type ClaimRequest,
  type JournalBatch,
  type JournalRecord,
  type LeaseReply,
  type LeaseRequest,
  type RunCommand,
  type WatermarkReply,
  type WatermarkRequest,
} from '@lucihub/contracts'
import { Answer, Consume, MessagingModule, type Call, type Delivery } from '@lucihub/messaging'
import { start, type RunningService } from '@lucihub/service-kit'

export class StoreState {
  readonly leases = new Map<string, { device: ActiveDevice; epoch: number; ttlMs: number }>()
  readonly cancels = new Set<string>()
  readonly claims: ClaimRequest[] = []
  readonly leaseRequests: LeaseRequest[] = []
  /** What a claim is answered; the real store's answer depends on its tables. */
  claimResult: ClaimReply['result'] = ClaimResult.CLAIM_RESULT_OK
  /** Claims that are granted but whose answer is lost. */
  claimAnswersToLose = 0
  /** Lease requests that are not answered any more. */
  leaseAnswersToLose = 0
  /** Records that are treated as if they had never arrived. */
  lose: (record: JournalRecord) => boolean = () => false
  /** Resolves at the end of the test: answers that are lost wait for it. */
  readonly closing = deferred()
  private readonly journals = new Map<string, Map<number, JournalRecord>>()
  private readonly granted = new Map<string, string>()

  /** All records of an attempt, by seq. */
  journal(runId: string, attempt = 1): JournalRecord[] {
    return [...(this.journals.get(`${runId}/${attempt}`)?.values() ?? [])].sort((a, b) => a.seq - b.seq)
  }

  /** The whole journal once its end and everything before it is here, else null. */
  sealed(runId: string, attempt = 1): JournalRecord[] | null {
    const records = this.journal(runId, attempt)
    return records.at(-1)?.end && records.at(-1)?.seq === records.length - 1 ? records : null
  }

  keep(record: JournalRecord): void {
    if (this.lose(record)) return
    const key = `${record.runId}/${record.attempt}`
    const journal = this.journals.get(key) ?? new Map<number, JournalRecord>()
    this.journals.set(key, journal.set(record.seq, record))
  }

  grant(request: ClaimRequest): ClaimReply {
    this.claims.push(request)
    const key = `${request.runId}/${request.attempt}`
    if (this.claimResult !== ClaimResult.CLAIM_RESULT_OK) return { result: this.claimResult, deviceRunId: '' }
    const deviceRunId = this.granted.get(key) ?? crypto.randomUUID()
    this.granted.set(key, deviceRunId)
    return { result: ClaimResult.CLAIM_RESULT_OK, deviceRunId }
  }
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

@Controller()
class StoreController {
  constructor(@Inject(StoreState) private readonly state: StoreState) {}

  @Answer(store.lease)
  async lease(request: LeaseRequest, _call: Call): Promise<LeaseReply> {
    this.state.leaseRequests.push(request)
    if (this.state.leaseAnswersToLose-- > 0) await this.state.closing.promise
    const cancels = [...this.state.cancels].map((runId) => ({ runId, attempt: 1 }))
    return { leases: [...this.state.leases.values()], cancels }
  }

  @Answer(store.claim)
  async claim(request: ClaimRequest, _call: Call): Promise<ClaimReply> {
    const reply = this.state.grant(request)
    if (this.state.claimAnswersToLose-- > 0) await this.state.closing.promise
    return reply
  }

  @Answer(store.watermark)
  async watermark({ runId, attempt, published }: WatermarkRequest, _call: Call): Promise<WatermarkReply> {
    const stored = new Set(this.state.journal(runId, attempt).map(({ seq }) => seq))
    let contiguous = 0
    while (stored.has(contiguous)) contiguous++
    const missing = Array.from({ length: published }, (_, seq) => seq)
      .filter((seq) => !stored.has(seq))
      .slice(0, 256)
    return {
      contiguous,
      missing,
      settled: this.state.sealed(runId, attempt) !== null,
      cancelRequested: false,
      givenUp: false,
    }
  }

  @Consume(feeds.journal, { durable: 'cold' })
  async journal({ records }: JournalBatch, _delivery: Delivery): Promise<void> {
    records.forEach((record) => this.state.keep(record))
  }
}

@Module({})
class StoreModule {}

export interface StoreDouble {
  readonly state: StoreState
  dispatch(command: RunCommand, host: string, round?: number): Promise<void>
  nudge(host: string, runId: string): void
  close(): Promise<void>
}

export async function storeDouble(natsUrl: string): Promise<StoreDouble> {
  const state = new StoreState()
  const service: RunningService = await start({
    name: 'run-store',
    config: { natsUrl, healthPort: 0, logLevel: 'silent' },
    module: (bus) => ({
      module: StoreModule,
      imports: [MessagingModule.of(bus)],
      controllers: [StoreController],
      providers: [{ provide: StoreState, useValue: state }],
    }),
  })
  return {
    state,
    dispatch: (command, host, round = 0) =>
      service.bus.publish(feeds.runCommand, [host, command.deviceId], command, {
        id: `${command.runId}/${command.attempt}/${round}`,
      }),
    nudge: (host, runId) => service.bus.broadcast(broadcasts.cancelNudge, [host], { runId, attempt: 1 }),
    async close() {
      state.closing.resolve()
      await service.close()
    },
  }
}
