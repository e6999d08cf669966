/**
 * Keeps the leases: one request per second is heartbeat, renewal, assignment and the list of attempts to
 * cancel. What the reply grants is valid from the moment the request was sent, by this host's monotonic
 * clock, which goes on counting while the process is stopped; a margin is kept for the way to the device.
 */
import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { store, type Lease } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Bench } from './bench.ts'
import { EXECUTOR_CONFIG, type ExecutorConfig } from './config.ts'
import type { HeldLease } from './device-driver.ts'

/** Time between two requests, ms. */
const RENEW_MS = 1000
/** Longest wait for one reply, ms: several tries fit into a lease. */
const REPLY_MS = 2000
/** Share of a lease that is kept as margin: 2 s of 10 s. */
const MARGIN = 0.2

@Injectable()
export class LeaseKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('LeaseKeeper')
  private timer: NodeJS.Timeout | undefined
  private closing = false
  private trouble = ''

  constructor(
    private readonly bus: Bus,
    private readonly bench: Bench,
    @Inject(EXECUTOR_CONFIG) private readonly config: ExecutorConfig,
  ) {}

  onApplicationBootstrap(): void {
    void this.begin()
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true
    clearTimeout(this.timer)
    await this.bench.close()
  }

  /** Journals that cannot be read must not keep the devices idle: what can be settled still is, at the next start. */
  private async begin(): Promise<void> {
    await this.bench
      .recover()
      .catch((error: unknown) => this.log.error(`The journals could not be taken up: ${String(error)}`))
    if (!this.closing) await this.keep()
  }

  private async keep(): Promise<void> {
    const askedAt = performance.now()
    await this.renew(askedAt)
    if (this.closing) return
    this.timer = setTimeout(() => void this.keep(), Math.max(0, askedAt + RENEW_MS - performance.now()))
  }

  /** Without a reply nothing changes: the leases run out by themselves. */
  private async renew(askedAt: number): Promise<void> {
    const { host, devices } = this.config
    try {
      const request = { host, bootId: this.bus.bootId, devices, deadBoots: [...this.bench.deadBoots] }
      const { leases, cancels } = await this.bus.call(store.lease, request, { timeoutMs: REPLY_MS })
      this.bench.hold(leases.flatMap((lease) => heldLease(lease, askedAt)))
      cancels.forEach((attempt) => this.bench.cancel(attempt))
      this.trouble = ''
    } catch (error) {
      const trouble = `the leases were not renewed: ${String(error)}`
      if (trouble !== this.trouble) this.log.warn(trouble)
      this.trouble = trouble
    }
  }
}

function heldLease({ device, epoch, ttlMs }: Lease, askedAt: number): HeldLease[] {
  if (!device) return []
  return [{ device, epoch, deadline: askedAt + ttlMs * (1 - MARGIN), expiry: askedAt + ttlMs }]
}
