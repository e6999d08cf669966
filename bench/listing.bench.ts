/** Pages of a list of 100 000 runs, by filter and cursor. */
import type { Hub } from '../tools/hub.mjs'
import { EIGHT_CHANNELS, clientOf, poolOf } from './hub-access.ts'
import { median, ms, row, times, type Section } from './report.ts'

const RUNS = 100_000
const REPEATS = 200

/** Copies of one run with other ids, states and times; what a run has under constraints of its own is left out. */
const COPIES = `
  INSERT INTO run (id, owner_id, spec_sha256, kind, title, source, configuration_hash, device_class, target, op_time_ns, ic_time_ns,
    sample_rate_hz, halt_on_overload, max_attempts, accept_gaps, num_channels, expected_samples, state, job_type, project_id, path, tags,
    schema_version, submitted_at)
  SELECT gen_random_uuid(), r.owner_id, r.spec_sha256, CASE n % 3 WHEN 0 THEN 'run' WHEN 1 THEN 'simulate' ELSE 'compile' END,
    'run ' || n, r.source, r.configuration_hash, r.device_class, r.target, r.op_time_ns, r.ic_time_ns, r.sample_rate_hz,
    false, 2, false, r.num_channels, r.expected_samples, CASE n % 10 WHEN 0 THEN 'FAILED' WHEN 1 THEN 'CANCELED' ELSE 'COMPLETED' END,
    r.job_type, r.project_id, r.path || n, ARRAY['tag-' || n % 100], r.schema_version, r.submitted_at
  FROM run r CROSS JOIN generate_series(1, $2) AS n WHERE r.id = $1`

export async function measure(hub: Hub): Promise<Section> {
  const client = clientOf(hub)
  const pool = poolOf(hub)
  try {
    const { run } = await client.submitRun({ kind: 'compile', source: EIGHT_CHANNELS, opTimeNs: 1_000_000 })
    await pool.query(COPIES, [run.id, RUNS])
    await pool.query('ANALYZE run')
    const cursors: string[] = []
    for (let cursor: string | null = null; cursors.length < 50;) {
      const page = await client.runs({ limit: 200, ...(cursor !== null && { cursor }) })
      cursor = page.nextCursor
      if (cursor !== null) cursors.push(cursor)
    }
    const first = await timesOf(() => client.runs({ limit: 50 }))
    const deep = await timesOf((n) => client.runs({ limit: 50, cursor: cursors[n % cursors.length] ?? '' }))
    const filtered = await timesOf((n) =>
      client.runs({ limit: 50, state: 'FAILED', kind: 'simulate', cursor: cursors[n % cursors.length] ?? '' }),
    )
    const rare = await timesOf(() => client.runs({ limit: 50, state: 'RUNNING' }))
    const bare = await timesOf(() =>
      pool.query(
        'SELECT * FROM run WHERE owner_id = (SELECT owner_id FROM run WHERE id = $1) ORDER BY seq DESC LIMIT 50',
        [run.id],
      ),
    )
    const line = (what: string, all: readonly number[]) =>
      row(what, `p50 ${ms(median(all))}, p99 ${ms(quantile(all, 0.99))}`, {
        against: 'p50 / bare SQL',
        ratio: times(median(all) / median(bare)),
        goal: 'p99 <= 50 ms at the store',
      })
    return {
      title: `A page of 50 runs out of ${RUNS.toLocaleString('en')}, over HTTP`,
      rows: [
        line('the newest', first),
        line('behind a cursor', deep),
        line('by state and kind, behind a cursor', filtered),
        line('by a state that no run is in', rare),
        row('bare SQL: SELECT * of 50 rows', `p50 ${ms(median(bare))}, p99 ${ms(quantile(bare, 0.99))}`),
      ],
    }
  } finally {
    await pool.query(`DELETE FROM run WHERE title LIKE 'run %'`)
    await pool.end()
  }
}

async function timesOf(work: (n: number) => Promise<unknown>): Promise<number[]> {
  for (let n = 0; n < 10; n++) await work(n)
  const all: number[] = []
  for (let n = 0; n < REPEATS; n++) {
    const begun = performance.now()
    await work(n)
    all.push(performance.now() - begun)
  }
  return all
}

function quantile(all: readonly number[], part: number): number {
  const sorted = all.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
