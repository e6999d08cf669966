/**
 * Mutants: the hub with one safeguard taken out, made by changing its sources on their way into a bundle of the
 * harness. Production code knows nothing of them, and a change that does not fit its source exactly once is an error.
 */

export interface Change {
  /** From the root of the checkout. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Mutant {
  readonly what: string
  /** Bundles to make anew. */
  readonly bundles: readonly string[]
  readonly changes: readonly Change[]
}

const RUN_STORE = 'services/run-store/src'
const EXECUTOR = 'services/hardware-executor/src'
const MESSAGING = 'libs/messaging/src'
const EVERY_SERVICE = ['run-store', 'hardware-executor', 'device-scanner', 'compiler', 'api-gateway']

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  M1: {
    what: 'no claim gate: an attempt is given to whoever asks, however often',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/execution/leases.ts`,
        from: `    if (found.state !== 'DISPATCHED') return refused(ClaimResult.CLAIM_RESULT_TAKEN)\n`,
        to: '',
      },
    ],
  },
  M2: {
    what: 'the executor deletes a journal when the stream has it, not when it is settled',
    bundles: ['hardware-executor'],
    changes: [
      {
        file: `${EXECUTOR}/journal-outbox.ts`,
        from: '    while (this.published < this.next && this.ackedAt.get(this.published) !== null) this.published++\n',
        to: `    while (this.published < this.next && this.ackedAt.get(this.published) !== null) this.published++
    if (this.complete && this.published >= this.next) {
      this.close()
      void this.file.remove()
    }
`,
      },
    ],
  },
  M3: {
    what: 'run-store acknowledges records before they are committed',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/journal/journal.handler.ts`,
        from: '    const sealed = await this.writer.store(entries)\n',
        to: `    void this.keep(batch, entries).catch(() => undefined)
  }

  private async keep(batch: readonly Received<JournalBatch>[], entries: readonly Entry[]): Promise<void> {
    const sealed = await this.writer.store(entries)
`,
      },
    ],
  },
  M4: {
    what: 'leases without grace, without a new epoch for a new holder, without a look at the deadline',
    bundles: ['run-store', 'hardware-executor'],
    changes: [
      { file: `${RUN_STORE}/execution/leases.ts`, from: 'ELSE l.epoch + 1 END', to: 'ELSE l.epoch END' },
      {
        file: `${RUN_STORE}/execution/leases.ts`,
        from: `OR l.expires < now() - $5 * interval '1 ms'`,
        to: 'OR (l.expires < now() AND $5::float8 IS NOT NULL)',
      },
      {
        file: `${EXECUTOR}/device-driver.ts`,
        from: '    if (performance.now() >= this.lease.deadline) attempt.halt(RAN_OUT)\n',
        to: '',
      },
    ],
  },
  M5: {
    what: 'no primary keys on records and pages: plain inserts',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/database/schema/initial.ts`,
        from: 'checksums bytea,\n    PRIMARY KEY (run_id, attempt, seq))',
        to: 'checksums bytea)',
      },
      {
        file: `${RUN_STORE}/database/schema/initial.ts`,
        from: 'level512 bytea NOT NULL,\n    PRIMARY KEY (run_id, attempt, channel, first_index))',
        to: 'level512 bytea NOT NULL)',
      },
    ],
  },
  M6: {
    what: 'ends without a guard: an attempt that was given up may still end its run',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/journal/journal-writer.ts`,
        from: `attempt.state === 'CLAIMED' && lastSeq !== null`,
        to: 'lastSeq !== null',
      },
      {
        file: `${RUN_STORE}/execution/settlement.ts`,
        from: 'VALUES ($1, $2::text))',
        to: 'VALUES ($1, $2::text) ON CONFLICT DO NOTHING)',
      },
    ],
  },
  M7: {
    // Redis holds no record here: the copy that must not go before the seal is the one in the stream.
    what: 'records are purged from the stream while their run still goes on',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/execution/stream-sweeper.ts`,
        from: `FROM (SELECT run_id FROM run_terminal WHERE NOT purged AND at < now() - interval '2 s' ORDER BY at LIMIT 200) t`,
        to: `FROM (SELECT id AS run_id FROM run WHERE state = 'RUNNING' LIMIT 200) t`,
      },
    ],
  },
  M8: {
    what: 'what is sent again travels under its old message id',
    bundles: ['hardware-executor'],
    changes: [
      {
        file: `${EXECUTOR}/journal-outbox.ts`,
        from: '${this.messages++}',
        to: '${seqs[0]}',
      },
    ],
  },
  M9: {
    what: 'streams with work-queue retention',
    bundles: EVERY_SERVICE,
    changes: [
      {
        file: `${MESSAGING}/provision.ts`,
        from: 'retention: RetentionPolicy.Limits',
        to: 'retention: RetentionPolicy.Workqueue',
      },
    ],
  },
  M10: {
    what: 'a message is delivered five times at most',
    bundles: EVERY_SERVICE,
    changes: [{ file: `${MESSAGING}/durable.ts`, from: 'max_deliver: -1', to: 'max_deliver: 5' }],
  },
  M11: {
    what: 'checksums are not looked at',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/journal/entry.ts`,
        from: `  if (blocks.some((block, channel) => crc32(block) !== checksums[channel])) return 'damaged'\n`,
        to: `  if (crc32('') !== 0) return 'damaged'\n`,
      },
      { file: `${MESSAGING}/consume.ts`, from: '        refuseDamaged(held)\n', to: '' },
    ],
  },
  M12: {
    what: 'the device is started before the journal says that it may be',
    bundles: ['hardware-executor'],
    changes: [{ file: `${EXECUTOR}/attempt-run.ts`, from: '  await journal.startIntent()\n', to: '' }],
  },
  M13: {
    what: 'a silent server is given up after minutes: the default ping of the client library',
    bundles: EVERY_SERVICE,
    changes: [
      {
        file: `${MESSAGING}/connection.ts`,
        from: 'const PING_INTERVAL_MS = 5_000',
        to: 'const PING_INTERVAL_MS = 120_000',
      },
    ],
  },
  M14: {
    what: 'leases are kept by the wall clock',
    bundles: ['hardware-executor'],
    changes: [
      {
        file: `${EXECUTOR}/lease-keeper.ts`,
        from: 'const askedAt = performance.now()',
        to: 'const askedAt = Date.now()',
      },
      { file: `${EXECUTOR}/lease-keeper.ts`, from: 'askedAt + RENEW_MS - performance.now()', to: 'RENEW_MS' },
      {
        file: `${EXECUTOR}/device-driver.ts`,
        from: 'lease.deadline - performance.now()',
        to: 'lease.deadline - Date.now()',
      },
      {
        file: `${EXECUTOR}/device-driver.ts`,
        from: 'if (performance.now() >= this.lease.deadline)',
        to: 'if (Date.now() >= this.lease.deadline)',
      },
      {
        file: `${EXECUTOR}/device-driver.ts`,
        from: 'performance.now() < this.lease.expiry',
        to: 'Date.now() < this.lease.expiry',
      },
    ],
  },
  M15: {
    what: 'epochs are counted in Redis',
    bundles: ['run-store'],
    changes: [
      {
        file: `${RUN_STORE}/execution/leases.ts`,
        from: `import type { Database, Queries, Statement } from '../database/database.ts'\n`,
        to: `import type { Database, Queries, Statement } from '../database/database.ts'
import { createClient } from 'redis'

const counterOfEpochs = createClient({ url: process.env.REDIS_URL ?? '', disableOfflineQueue: true })
counterOfEpochs.on('error', () => undefined)
counterOfEpochs.connect().catch(() => undefined)
`,
      },
      { file: `${RUN_STORE}/execution/leases.ts`, from: 'ELSE l.epoch + 1 END', to: 'ELSE $7::bigint END' },
      {
        file: `${RUN_STORE}/execution/leases.ts`,
        from: 'export function lease(\n',
        to: 'export async function lease(\n',
      },
      {
        file: `${RUN_STORE}/execution/leases.ts`,
        from: '[host, bootId, devices, ttlMs, graceMs, deadBoots]',
        to: `[host, bootId, devices, ttlMs, graceMs, deadBoots, await counterOfEpochs.incr('epoch')]`,
      },
    ],
  },
}

/** The source of a module under a mutant; null for one that it leaves alone. Throws when a change does not fit. */
export function mutated(mutant: Mutant, path: string, source: string): string | null {
  const changes = mutant.changes.filter(({ file }) => path.endsWith(`/${file}`))
  if (changes.length === 0) return null
  return changes.reduce((text, { file, from, to }) => {
    const times = text.split(from).length - 1
    if (times !== 1) throw new Error(`The mutant's change of ${file} fits ${times} times instead of once:\n${from}`)
    return text.replace(from, () => to)
  }, source)
}
