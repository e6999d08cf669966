/**
 * Dispatch: the next run for each free device. One statement picks a pair of run and device under row locks
 * that others skip, makes the attempt and commits; only then is the command published. The database decides
 * for all replicas alike, so whoever changed something (a run submitted, an attempt settled, a device leased)
 * dispatches itself; nobody has to be woken by NOTIFY, which would serialize all commits. A tick makes up for
 * a process that died between its commit and its dispatch.
 *
 * Fair share: higher priority first, then the owner with fewest runs under way, then the one who was served
 * longest ago, then the order of submission.
 * The owners that wait are found by hopping along the queue's index, so a long queue costs what a short one does.
 */
import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common'
import { feeds, type RunCommand } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { counter, crashPoint } from '@lucihub/service-kit'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database, sqlState, type Statement } from '../database/database.ts'
import { OFFERED } from '../devices/offered.ts'
import { RUN_COLUMNS, specToProto, type RunRow } from '../runs/run-rows.ts'

const dispatched = counter('lucihub_attempts_dispatched_total', 'Attempts made for a free device')

interface Dispatched extends RunRow {
  readonly configuration: Buffer
  readonly attempt: number
  readonly on_device: string
  readonly host: string
  readonly publications: number
}

const PICK: Statement = {
  name: 'dispatch',
  text: `WITH RECURSIVE free AS (
      SELECT d.id, d.device_class, l.host
      FROM device d JOIN device_lease l ON l.device_id = d.id AND l.host = d.executor_host
      WHERE d.active AND d.approval = 'approved' AND ${OFFERED} AND l.expires > now()
        AND NOT EXISTS (SELECT FROM attempt a WHERE a.device_id = d.id AND a.state IN ('DISPATCHED', 'CLAIMED'))),
    targets AS (
      SELECT id AS device_id, id AS target FROM free
      UNION ALL SELECT id, 'class:' || device_class FROM free),
    owners AS (
      SELECT t.target, (SELECT min(r.owner_id) FROM run r WHERE r.target = t.target AND r.state = 'QUEUED' AND r.live_attempt IS NULL) AS owner_id
      FROM (SELECT DISTINCT target FROM targets) t
      UNION ALL
      SELECT o.target, (SELECT min(r.owner_id) FROM run r
        WHERE r.target = o.target AND r.state = 'QUEUED' AND r.live_attempt IS NULL AND r.owner_id > o.owner_id)
      FROM owners o WHERE o.owner_id IS NOT NULL),
    heads AS (
      SELECT o.target, head.id, head.priority, head.seq,
        (SELECT count(*) FROM run live WHERE live.owner_id = o.owner_id AND live.live_attempt IS NOT NULL) AS under_way,
        (SELECT turn.served_at FROM owner_turn turn WHERE turn.owner_id = o.owner_id) AS served_at
      FROM owners o CROSS JOIN LATERAL (
        SELECT r.id, r.priority, r.seq FROM run r
        WHERE r.target = o.target AND r.owner_id = o.owner_id AND r.state = 'QUEUED' AND r.live_attempt IS NULL
        ORDER BY r.priority DESC, r.seq LIMIT 1) head
      WHERE o.owner_id IS NOT NULL),
    picked AS (
      SELECT r.id AS run_id, d.id AS device_id, f.host
      FROM heads h JOIN targets t ON t.target = h.target JOIN free f ON f.id = t.device_id
        JOIN device d ON d.id = f.id JOIN run r ON r.id = h.id
      WHERE r.state = 'QUEUED' AND r.live_attempt IS NULL AND d.active AND d.approval = 'approved'
      ORDER BY h.priority DESC, h.under_way, h.served_at NULLS FIRST, h.seq, d.id
      LIMIT 1 FOR NO KEY UPDATE OF r, d SKIP LOCKED),
    taken AS (
      UPDATE run SET attempts = run.attempts + 1, live_attempt = run.attempts + 1 FROM picked WHERE run.id = picked.run_id RETURNING run.*),
    served AS (
      INSERT INTO owner_turn (owner_id, served_at) SELECT t.owner_id, clock_timestamp() FROM taken t
      ON CONFLICT (owner_id) DO UPDATE SET served_at = excluded.served_at),
    made AS (
      INSERT INTO attempt (run_id, number, state, device_id, host)
      SELECT t.id, t.live_attempt, 'DISPATCHED', picked.device_id, picked.host FROM taken t JOIN picked ON picked.run_id = t.id)
    SELECT ${RUN_COLUMNS}, c.body AS configuration, r.live_attempt AS attempt, picked.device_id AS on_device, picked.host, 1 AS publications
    FROM taken r JOIN picked ON picked.run_id = r.id JOIN configuration c ON c.hash = r.configuration_hash`,
}

/** Commands that nobody claimed for a while, each under a new id: the old one may have been lost with the stream. */
const REPEAT: Statement = {
  name: 'dispatch-repeat',
  text: `WITH a AS (
      UPDATE attempt SET publications = publications + 1, published_at = now()
      WHERE state = 'DISPATCHED' AND published_at < now() - $1 * interval '1 ms' RETURNING *)
    SELECT ${RUN_COLUMNS}, c.body AS configuration, a.number AS attempt, a.device_id AS on_device, a.host, a.publications
    FROM a JOIN run r ON r.id = a.run_id JOIN configuration c ON c.hash = r.configuration_hash`,
}

/** Two replicas may see one device free at the same moment; the unique index lets one of them win. */
const UNIQUE_VIOLATION = '23505'

@Injectable()
export class Dispatcher implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Dispatcher.name)
  private running: Promise<void> | null = null
  private again = false
  private stopped = false

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  /** Something changed: dispatches soon, once for all calls that come while it is at work. */
  wake(): void {
    this.again = true
    if (this.stopped) return
    this.running ??= this.work().finally(() => {
      this.running = null
      if (this.again) this.wake()
    })
  }

  /** Publishes the commands again that nobody claimed for a while. */
  async repeat(): Promise<void> {
    const unclaimed = await this.database.query<Dispatched>(REPEAT, [this.config.dispatchRetryMs])
    for (const row of unclaimed) this.publish(row)
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async work(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false
      try {
        for (let row = await this.pick(); row; row = await this.pick()) {
          crashPoint('attempt-dispatched')
          dispatched.inc()
          this.publish(row)
        }
      } catch (error) {
        this.logger.warn(`Dispatch waits for the next tick: ${String(error)}`)
      }
    }
  }

  private async pick(): Promise<Dispatched | undefined> {
    try {
      return (await this.database.query<Dispatched>(PICK))[0]
    } catch (error) {
      if (sqlState(error) !== UNIQUE_VIOLATION) throw error
      return undefined
    }
  }

  /** Not awaited: while the bus is away the attempt stays DISPATCHED, and `repeat` publishes it again. */
  private publish(row: Dispatched): void {
    const command: RunCommand = {
      runId: row.id,
      attempt: row.attempt,
      deviceId: row.on_device,
      spec: specToProto(row, { source: '', report: null, configuration: row.configuration }),
    }
    const id = `${row.id}/${row.attempt}/${row.publications}`
    this.bus
      .publish(feeds.runCommand, [row.host, row.on_device], command, { id, timeoutMs: this.config.dispatchRetryMs })
      .catch((error: unknown) => this.logger.warn(`Command ${id} was not published: ${String(error)}`))
  }
}
