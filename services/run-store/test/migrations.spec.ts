/** A database of the version before, with data in it, on its way up, down and up again. */
import { RUN_STATES } from '@lucihub/analog'
import { ConfigurationMessage, runState, store, type RunMessage } from '@lucihub/contracts'
import { start } from '@lucihub/service-kit'
import { privateDatabase } from '@lucihub/testing'
import pg from 'pg'
import { migrationSource } from '../src/database/migrate.ts'
import { maintain } from '../src/maintenance/command-line.ts'
import { migrateBy } from '../src/maintenance/migrate-command.ts'
import { runStore } from '../src/run-store.ts'
import { configuration, startHub } from './hub.ts'

const USER = '018f0000-0000-7000-8000-000000000001'
const RUN = '018f0000-0000-7000-8000-000000000002'
const SAMPLES = new Float32Array([0, 0.25, 0.5, 0.75])

test('YP-53 data of the version before is served after up, and again after down and up', async () => {
  const hub = await startHub()
  await hub.service.close()
  const url = hub.database.url
  const states = await migrateBy('status', url)
  for (const _ of states.slice(1)) await migrateBy('down', url)
  await seedFirstVersion(url)

  const served = async (): Promise<{ run: RunMessage | null | undefined; samples: number[] }> => {
    hub.service = await start(runStore(hub.config))
    try {
      const { run } = await hub.bus.call(store.getRun, { ownerId: USER, role: 'user', runId: RUN })
      const range = { channel: 0, firstIndex: 0, maxSamples: 100 }
      const slice = await hub.bus.call(store.readSamples, { ownerId: USER, role: 'user', runId: RUN, ...range })
      const bytes = Uint8Array.from(slice.samples)
      return { run, samples: [...new Float32Array(bytes.buffer)] }
    } finally {
      await hub.service.close()
    }
  }
  try {
    const first = await served()
    expect(first.samples).toEqual([...SAMPLES])
    expect(first.run).toMatchObject({ id: RUN, jobType: 'simulate', valid: true, state: runState.toProto('COMPLETED') })
    expect(first.run?.stateChanges.map(({ state }) => runState.fromProto(state))).toEqual([
      'CREATED',
      'QUEUED',
      'RUNNING',
      'COMPLETED',
    ])
    expect((await migrateBy('down', url)).at(-1)?.applied).toBe(false)
    expect((await migrateBy('up', url)).every(({ applied }) => applied)).toBe(true)
    const again = await served()
    expect(again.samples).toEqual(first.samples)
    expect(JSON.stringify(again.run)).toBe(JSON.stringify(first.run))
  } finally {
    hub.service = { ...hub.service, close: () => Promise.resolve() }
    await hub.close()
  }
}, 60_000)

test('YP-53 stamp notes migrations without doing them', async () => {
  const database = await privateDatabase()
  try {
    expect((await migrateBy('status', database.url)).every(({ applied }) => !applied)).toBe(true)
    expect((await migrateBy('stamp', database.url)).every(({ applied }) => applied)).toBe(true)
    const source = await migrationSource(database.url).initialize()
    expect(await source.query(`SELECT to_regclass('run') AS run`)).toEqual([{ run: null }])
    await source.destroy()
  } finally {
    await database.drop()
  }
})

test('YP-54 without DATABASE_URL nothing is migrated, and the message says what to set', async () => {
  const told = { out: '', err: '' }
  const terminal = {
    env: {},
    out: (text: string) => void (told.out += text),
    err: (text: string) => void (told.err += text),
  }
  expect(await maintain(['migrate', 'up'], terminal)).toBe(64)
  expect(told).toEqual({
    out: '',
    err: 'DATABASE_URL is not set: set it to postgres://user:password@host:5432/name.\n',
  })
  expect(await maintain(['migrate', 'sideways'], terminal)).toBe(64)
})

test('every state that a run can have is one that its table takes', async () => {
  const database = await privateDatabase()
  try {
    await migrateBy('up', database.url)
    const source = await migrationSource(database.url).initialize()
    const [{ check } = { check: '' }] = await source.query<{ check: string }[]>(
      `SELECT pg_get_constraintdef(oid) AS check FROM pg_constraint WHERE conname = 'run_state_check'`,
    )
    await source.destroy()
    expect([...check.matchAll(/'([A-Z_]+)'/g)].map(([, state]) => state).sort()).toEqual([...RUN_STATES].sort())
  } finally {
    await database.drop()
  }
})

/** A user and a completed simulation of four samples, as the first version of the schema kept them. */
async function seedFirstVersion(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const body = Buffer.from(ConfigurationMessage.encode(configuration(1)))
    await client.query(`INSERT INTO app_user (id, username, role) VALUES ($1, 'ada', 'user')`, [USER])
    await client.query(`INSERT INTO configuration (hash, body) VALUES (sha256($1::bytea), $1)`, [body])
    await client.query(
      `INSERT INTO device (id, name, device_class, host, port, description, description_hash, scanner, active)
       VALUES ('dev', 'sim', 'SIMULATOR', '127.0.0.1', 5732, '', '', 's', false)`,
    )
    await client.query(
      `INSERT INTO run (id, owner_id, spec_sha256, kind, title, source, configuration_hash, device_class, target, op_time_ns,
         ic_time_ns, sample_rate_hz, halt_on_overload, max_attempts, accept_gaps, num_channels, expected_samples, state, attempts,
         winning_attempt, submitted_at, started_at, ended_at)
       VALUES ($1, $2, '\\x00', 'simulate', 'old', 'probe x;', sha256($3::bytea), 'SIMULATOR', 'class:SIMULATOR', 1000000, 100000, 4000,
         false, 2, false, 1, 4, 'COMPLETED', 1, 1, '2025-01-01T00:00:00Z', '2025-01-01T00:00:01Z', '2025-01-01T00:00:02Z')`,
      [RUN, USER, body],
    )
    await client.query(`INSERT INTO run_terminal (run_id, state, purged) VALUES ($1, 'COMPLETED', true)`, [RUN])
    await client.query(
      `INSERT INTO attempt (run_id, number, state, device_id, host, outcome, counted, stored_samples, contiguous, last_seq, ended_at)
       VALUES ($1, 1, 'ENDED', 'dev', 'host', 'ok', true, 4, 2, 1, now())`,
      [RUN],
    )
    await client.query(
      `INSERT INTO page (run_id, attempt, channel, first_index, count, encoding, samples, level64, level512)
       VALUES ($1, 1, 0, 0, 4, 1, $2, $3, $3)`,
      [RUN, Buffer.from(SAMPLES.buffer), Buffer.from(new Float32Array([0, 0.75]).buffer)],
    )
  } finally {
    await client.end()
  }
}
