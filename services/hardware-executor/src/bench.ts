/**
 * The devices that this process drives now, and the attempts it has in hand. Commands come in here, pass
 * the claim gate, and go to the driver of their device; leases and cancellations come in here as well.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Inject, Injectable, Logger } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { ClaimResult, store, token, type AttemptId, type RunCommand } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import { Attempt, CANCELED, attemptKey, type Stop } from './attempt.ts'
import { AttemptJournal } from './attempt-journal.ts'
import { EXECUTOR_CONFIG, type ExecutorConfig } from './config.ts'
import { DeviceDriver, type HeldLease } from './device-driver.ts'
import { attemptsEnded, devicesLeased, journalBytes } from './executor-metrics.ts'
import { noteBoot } from './boot-log.ts'
import { lockJournals, type Lock } from './device-lock.ts'
import { JournalBudget } from './journal-budget.ts'
import { JournalFile } from './journal-file.ts'
import { JournalOutbox } from './journal-outbox.ts'
import { replayJournals } from './journal-replay.ts'

/** How long one claim may take before the bus delivers the command again, ms. */
const CLAIM_MS = 3000
/** How long a stopping executor waits until its journals are settled, ms. */
const SETTLE_MS = 7000
/** Pause between two looks whether the process before us has left its journals, ms. */
const LOCK_PAUSE_MS = 250
const LEASE_GONE: Stop = { outcome: 'lease_lost', reason: 'The lease of the device was not renewed.' }
const RESTARTED: Stop = { outcome: 'executor_restarted', reason: 'The executor was stopped.' }

interface InHand {
  readonly attempt: Attempt
  /** Null until it is claimed. */
  readonly outbox: JournalOutbox | null
}

@Injectable()
export class Bench {
  private readonly log = new Logger('Bench')
  private readonly drivers = new Map<string, DeviceDriver>()
  private readonly gone = new Map<string, Promise<void>>()
  private readonly inHand = new Map<string, InHand>()
  private readonly budget: JournalBudget
  private readonly folder: string
  private journals: Lock | null = null
  private closing = false
  /** Processes that had our journals before us; whoever has their lock knows that they are gone. */
  deadBoots: readonly string[] = []

  constructor(
    private readonly bus: Bus,
    @Inject(EXECUTOR_CONFIG) private readonly config: ExecutorConfig,
  ) {
    this.budget = new JournalBudget(config.journalQuota)
    this.folder = join(config.journalDir, token(config.host))
  }

  /**
   * Publishes what the process before this one left in its journals, before the first lease is asked for: a new
   * epoch would make its attempts lost. Resolves when the run-store has settled them, or did not for a while.
   */
  async recover(): Promise<void> {
    for (;;) {
      this.journals = await lockJournals(this.folder)
      if (this.journals || this.closing) break
      this.log.warn(`Another process has the journals in ${this.folder}; waiting for its end.`)
      await sleep(LOCK_PAUSE_MS)
    }
    if (this.closing) return
    this.deadBoots = await noteBoot(this.folder, this.bus.bootId)
    const replayed = await replayJournals(this.folder, { bus: this.bus, budget: this.budget })
    for (const { attempt, outbox } of replayed) {
      this.inHand.set(attempt.key, { attempt, outbox })
      void outbox.done.then(() => this.inHand.delete(attempt.key))
    }
    await Promise.race([
      Promise.all(replayed.map(({ outbox }) => outbox.done)),
      sleep(SETTLE_MS, undefined, { ref: false }),
    ])
  }

  /** Takes over the leases as they are now: a device that is missing has been lost. */
  hold(leases: readonly HeldLease[]): void {
    if (this.closing) return
    const held = new Map(leases.map((lease) => [lease.device.id, lease]))
    for (const [id, driver] of this.drivers) {
      if (driver.over || held.get(id)?.epoch !== driver.epoch) this.giveUp(id, driver, LEASE_GONE)
    }
    for (const [id, lease] of held) {
      const driver = this.drivers.get(id)
      if (driver) driver.renew(lease)
      else this.drivers.set(id, new DeviceDriver(lease, this.gone.get(id) ?? Promise.resolve()))
    }
    devicesLeased.set(this.drivers.size)
    journalBytes.set(this.budget.usedBytes)
  }

  /** Stops an attempt, wherever it is; one that is not in hand is not ours to stop. */
  cancel(id: Pick<AttemptId, 'runId' | 'attempt'>): void {
    this.inHand.get(attemptKey(id))?.attempt.halt(CANCELED)
  }

  /**
   * Takes a command. Resolves when it needs no further delivery: the attempt has been handed to its driver,
   * is in hand already, or is not ours. Rejects with a retryable Problem when nothing is known or possible yet.
   */
  async take(command: RunCommand): Promise<void> {
    const key = attemptKey(command)
    if (this.inHand.has(key)) return
    const driver = this.drivers.get(command.deviceId)
    if (!driver || this.closing)
      throw new Problem('unavailable', `This executor holds no lease on device ${command.deviceId}.`)
    if (this.budget.crowded)
      throw new Problem('unavailable', 'Too much of the journals of earlier attempts is not settled yet.')
    const attempt = new Attempt(this.config.host, command, driver.epoch)
    this.inHand.set(key, { attempt, outbox: null })
    try {
      await driver.reserve()
      const deviceRunId = await this.claim(attempt).catch(release(driver))
      if (deviceRunId !== null) return void this.drive(driver, attempt, deviceRunId)
      driver.release()
      this.inHand.delete(key)
    } catch (error) {
      this.inHand.delete(key)
      throw error
    }
  }

  /** Stops all devices and waits until their journals are settled, within a bound. */
  async close(): Promise<void> {
    this.closing = true
    await Promise.all([...this.drivers.values()].map((driver) => driver.revoke(RESTARTED)))
    const outboxes = [...this.inHand.values()].flatMap(({ outbox }) => outbox ?? [])
    await Promise.race([Promise.all(outboxes.map(({ done }) => done)), sleep(SETTLE_MS, undefined, { ref: false })])
    outboxes.forEach((outbox) => outbox.close())
    await Promise.all(outboxes.map(({ done }) => done))
    await this.journals?.release()
  }

  /** The id to run under, or null when the attempt is not ours. No answer rejects, and the command comes again: a claim can be repeated. */
  private async claim({ host, command, epoch, key }: Attempt): Promise<string | null> {
    const { runId, attempt, deviceId } = command
    const request = { runId, attempt, deviceId, host, bootId: this.bus.bootId, epoch }
    const { result, deviceRunId } = await this.bus.call(store.claim, request, { timeoutMs: CLAIM_MS })
    if (result === ClaimResult.CLAIM_RESULT_OK) return deviceRunId
    this.log.log(`attempt ${key} was not granted: ${ClaimResult[result]}`)
    return null
  }

  private async drive(driver: DeviceDriver, attempt: Attempt, deviceRunId: string): Promise<void> {
    crashPoint('attempt-claimed')
    const { host, epoch, command } = attempt
    const { runId, attempt: number, deviceId, spec } = command
    const address = { host, deviceId, runId, attempt: number, epoch }
    const file = JournalFile.create(join(this.folder, `${token(runId)}-${number}`), address, this.budget)
    const outbox = new JournalOutbox(this.bus, attempt, file)
    this.inHand.set(attempt.key, { attempt, outbox })
    const keeping = { file, outbox, budget: this.budget }
    const journal = new AttemptJournal(attempt, keeping, spec?.configuration?.probes.length ?? 0)
    const { outcome, reason } = await driver.drive({ attempt, deviceRunId, journal })
    attemptsEnded.inc({ outcome })
    this.log.log(`attempt ${attempt.key} on ${driver.device.name} ended ${outcome}${reason && `: ${reason}`}`)
    await outbox.done
    this.inHand.delete(attempt.key)
  }

  private giveUp(id: string, driver: DeviceDriver, stop: Stop): void {
    this.drivers.delete(id)
    const end = driver.revoke(stop).finally(() => {
      if (this.gone.get(id) === end) this.gone.delete(id)
    })
    this.gone.set(id, end)
  }
}

/** Sets the device free again and passes the failure on. */
function release(driver: DeviceDriver): (error: unknown) => never {
  return (error) => {
    driver.release()
    throw error
  }
}
