/**
 * Drives one device under one lease epoch. Before anything else it takes the machine's lock and performs
 * the takeover: connect, make sure it is the right device, reset, read back. Every command is preceded by a
 * look at the lease's deadline, and whatever goes wrong ends in a closed connection, so that the next
 * attempt starts from a takeover again. A new epoch, or a lease regained after the deadline, is a new driver.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Logger } from '@nestjs/common'
import { Problem, deviceIdOf, invariant } from '@lucihub/analog'
import type { ActiveDevice } from '@lucihub/contracts'
import { connectComputer, type ConnectedComputer } from '@lucihub/device'
import { crashPoint } from '@lucihub/service-kit'
import type { Attempt, Stop } from './attempt.ts'
import type { AttemptJournal, Conclusion } from './attempt-journal.ts'
import { perform } from './attempt-run.ts'
import { lockDevice, type Lock } from './device-lock.ts'

/** A lease as its holder may count on it; times are monotonic ms. */
export interface HeldLease {
  readonly device: ActiveDevice
  readonly epoch: number
  /** No command to the device after this. */
  readonly deadline: number
  /** From here on somebody else may drive the device: not even a stop may be sent. */
  readonly expiry: number
}

/** An attempt that the run-store gave to this process. */
export interface ClaimedAttempt {
  readonly attempt: Attempt
  /** Id to run under on the device. */
  readonly deviceRunId: string
  readonly journal: AttemptJournal
}

/** How long a command waits for a busy device, ms; the bus delivers it again afterwards. */
const BUSY_WAIT_MS = 2000
/** How long a stopped device may take to say so before the connection is closed, ms. */
const STOP_WAIT_MS = 1000
/** How long a device may take to say that it is still there, ms. */
const ANSWER_MS = 1000
/** How long another client may keep the device busy, ms. */
const BUSY_DEVICE_MS = 20_000
const RAN_OUT: Stop = { outcome: 'lease_lost', reason: 'The lease of the device ran out.' }
const STILL_OVERLOADED = 'It still reports an overload after the reset.'

export class DeviceDriver {
  private readonly log: Logger
  private lease: HeldLease
  private expiryTimer: NodeJS.Timeout | undefined
  private lock: Lock | null = null
  private link: Promise<ConnectedComputer> | null = null
  private current: Attempt | null = null
  private busy: Promise<void> | null = null
  private setFree: () => void = () => undefined
  private revoked: { readonly stop: Stop; readonly done: Promise<void> } | null = null

  /** `before`: the end of this device's driver under the epoch before. */
  constructor(
    lease: HeldLease,
    private readonly before: Promise<void>,
  ) {
    this.log = new Logger(`DeviceDriver ${lease.device.name}`)
    this.lease = lease
    this.renew(lease)
  }

  get epoch(): number {
    return this.lease.epoch
  }

  get device(): ActiveDevice {
    return this.lease.device
  }

  /** True once it has given its device up: it never drives again, even when the lease is granted once more. */
  get over(): boolean {
    return this.revoked !== null
  }

  /** Extends the lease. When it runs out all the same, the device is stopped. */
  renew(lease: HeldLease): void {
    invariant(lease.epoch === this.lease.epoch, 'a driver lives for one epoch')
    if (this.revoked) return
    this.lease = lease
    clearTimeout(this.expiryTimer)
    this.expiryTimer = setTimeout(
      () => {
        void this.revoke(RAN_OUT)
      },
      Math.max(0, lease.deadline - performance.now()),
    )
  }

  /** Ends this driver: stops what runs, closes the connection, gives the lock back. */
  revoke(stop: Stop): Promise<void> {
    this.revoked ??= { stop, done: this.shutDown(stop) }
    return this.revoked.done
  }

  /** Takes the device for one attempt; rejects with `unavailable` while it is busy, locked or lost. */
  async reserve(): Promise<void> {
    const patience = AbortSignal.timeout(BUSY_WAIT_MS)
    while (this.busy && !patience.aborted) await Promise.race([this.busy, aborted(patience)])
    if (this.busy) throw new Problem('unavailable', `Device ${this.device.name} is busy.`)
    this.busy = new Promise((resolve) => (this.setFree = resolve))
    if (await this.locked()) return
    this.release()
    throw new Problem(
      'unavailable',
      `Device ${this.device.name} is not ours to drive: another process of this machine has it, or the lease is gone.`,
    )
  }

  release(): void {
    this.current = null
    this.busy = null
    this.setFree()
  }

  /** Drives a claimed attempt to its end record and sets the device free. Needs `reserve`. Never rejects. */
  async drive({ attempt, deviceRunId, journal }: ClaimedAttempt): Promise<Conclusion> {
    this.current = attempt
    const { conclusion, atRest } = await perform({
      attempt,
      deviceRunId,
      journal,
      connect: () => (this.link ??= this.takeOver(attempt, journal)),
      answers: () => this.answers(),
      permit: () => this.permit(attempt),
    })
    // A device that did not come to rest is taken over anew: the next attempt connects afresh.
    if (!atRest) await this.disconnect()
    await journal.end(conclusion)
    this.release()
    return conclusion
  }

  /** Throws when the next command may not be sent. */
  private permit(attempt: Attempt): void {
    if (performance.now() >= this.lease.deadline) attempt.halt(RAN_OUT)
    if (this.revoked) attempt.halt(this.revoked.stop)
    if (attempt.stop) throw new Problem('unavailable', attempt.stop.reason)
  }

  private async locked(): Promise<boolean> {
    await this.before
    if (this.revoked) return false
    this.lock ??= await lockDevice(this.device)
    return this.lock !== null
  }

  /** Connects, makes sure that it is the right device, and brings it to rest. */
  private async takeOver(attempt: Attempt, journal: AttemptJournal): Promise<ConnectedComputer> {
    const { id, name, host, port } = this.device
    const computer = await connectComputer({ host, port }, { busyWaitMs: BUSY_DEVICE_MS })
    try {
      this.permit(attempt)
      const found = deviceIdOf(await computer.describe())
      if (found !== id)
        throw new Problem('device-failed', `Device ${found} answers at ${host}:${port} instead of ${id}.`)
      this.permit(attempt)
      await computer.reset()
      this.permit(attempt)
      const { overloaded } = await computer.overload()
      journal.lines(`Took over ${name} (${id}) under epoch ${this.epoch}.`, ...(overloaded ? [STILL_OVERLOADED] : []))
      crashPoint('device-taken-over')
      return computer
    } catch (error) {
      await close(computer)
      throw error
    }
  }

  private async answers(): Promise<boolean> {
    if (this.revoked || !this.link) return false
    const pinged = this.link
      .then((computer) => computer.ping())
      .then(
        () => true,
        () => false,
      )
    return Promise.race([pinged, sleep(ANSWER_MS, false)])
  }

  /** Closes the connection, also one that is still being made. */
  private async disconnect(): Promise<void> {
    const link = this.link
    this.link = null
    // A connection that never came about was reported to the attempt that wanted it.
    await Promise.race([link?.then(close, () => undefined), sleep(STOP_WAIT_MS)])
  }

  private async shutDown(stop: Stop): Promise<void> {
    clearTimeout(this.expiryTimer)
    const mayStop = performance.now() < this.lease.expiry
    // Too late even for a stop: close first, so that the halt below finds nothing to write to.
    if (!mayStop) await this.disconnect()
    this.current?.halt(stop)
    if (this.busy) await Promise.race([this.busy, sleep(STOP_WAIT_MS)])
    await this.disconnect()
    await this.lock?.release()
    this.lock = null
    this.log.log(`gave up epoch ${this.epoch}: ${stop.reason}`)
  }
}

/** Best effort: a dead connection has nothing left to lose. */
async function close(computer: ConnectedComputer): Promise<void> {
  await computer.close().catch(() => undefined)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
