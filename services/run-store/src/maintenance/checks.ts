/** What `fsck` compares: digests that Postgres can compute itself, references that no foreign key holds, pages of samples. */
import { createHash } from 'node:crypto'
import { crc32, gunzipSync } from 'node:zlib'
import { BYTES_PER_SAMPLE, samplesOf, type SampleEncoding } from '@lucihub/analog'
import { sampleEncoding } from '@lucihub/contracts'
import { LEVELS, pyramidOf } from '../journal/page.ts'
import { flatten } from '../records/flatten.ts'
import { blobBytes } from './archive-export.ts'
import type { MaintenanceSession } from './session.ts'

export interface Finding {
  /** Which check. */
  readonly check: string
  /** What is wrong, named so that it can be found. */
  readonly what: string
}

/** Each gives one text per thing that is wrong. */
export const SQL_CHECKS: Readonly<Record<string, string>> = {
  configuration: `SELECT 'configuration ' || encode(hash, 'hex') AS what FROM configuration WHERE sha256(body) <> hash`,
  'result-page': `SELECT 'page ' || number || ' of channel ' || position || ', shard ' || shard || ' of run ' || run_id AS what
    FROM result_page WHERE sha256(body) <> sha256`,
  'file-size': `SELECT 'file ' || f.id || ' (' || f.name || '): ' || f.size || ' bytes, its content has ' || b.size AS what
    FROM file f JOIN blob b ON b.sha256 = f.sha256 WHERE b.size <> f.size`,
  'file-owner': `SELECT 'file ' || id || ' (' || name || ') belongs to ' || owner_kind || ' ' || owner_id || ', which is not there' AS what
    FROM file f WHERE NOT CASE owner_kind WHEN 'dataset' THEN EXISTS (SELECT FROM dataset WHERE id = f.owner_id)
      WHEN 'datapoint' THEN EXISTS (SELECT FROM datapoint WHERE id = f.owner_id) ELSE EXISTS (SELECT FROM run WHERE id = f.owner_id) END`,
  datapoint: `SELECT 'run ' || r.id || ' has datapoint ' || r.datapoint_id || ', which is not there or not its own' AS what
    FROM run r LEFT JOIN datapoint t ON t.id = r.datapoint_id WHERE r.datapoint_id IS NOT NULL AND t.run_id IS DISTINCT FROM r.id`,
  path: `SELECT 'run ' || r.id || ' says it lies at ' || r.path || ', its datapoint lies at ' || d.path || '/' || t.name AS what
    FROM run r JOIN datapoint t ON t.id = r.datapoint_id JOIN dataset d ON d.id = t.dataset_id WHERE r.path <> d.path || '/' || t.name`,
  'page-run': `SELECT DISTINCT 'pages of run ' || run_id || ', which is not there' AS what FROM page p
    WHERE NOT EXISTS (SELECT FROM run WHERE id = p.run_id)`,
  'journal-run': `SELECT DISTINCT 'journal of run ' || run_id || ', which is not there' AS what FROM journal j
    WHERE NOT EXISTS (SELECT FROM run WHERE id = j.run_id)`,
  'shard-run': `SELECT 'shard ' || index || ' of run ' || run_id || ' is run ' || child_run_id || ', which is not there' AS what FROM shard s
    WHERE child_run_id IS NOT NULL AND NOT EXISTS (SELECT FROM run WHERE id = s.child_run_id)`,
  'configuration-record': `SELECT 'run ' || r.id || ' has a configuration record that is not there' AS what FROM run r
    WHERE (general_config_id IS NOT NULL AND NOT EXISTS (SELECT FROM general_config WHERE id = r.general_config_id))
      OR (exec_config_id IS NOT NULL AND NOT EXISTS (SELECT FROM exec_config WHERE id = r.exec_config_id))`,
  sweep: `SELECT 'run ' || r.id || ' is of sweep ' || r.sweep_id || ', which is not there' AS what FROM run r
    WHERE sweep_id IS NOT NULL AND NOT EXISTS (SELECT FROM sweep WHERE id = r.sweep_id)`,
  terminal: `SELECT 'run ' || r.id || ' is ' || r.state || ', its end says ' || coalesce(t.state, 'nothing') AS what
    FROM run r LEFT JOIN run_terminal t ON t.run_id = r.id
    WHERE r.state IN ('COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT') AND t.state IS DISTINCT FROM r.state AND r.engine = 'hub'
      AND r.shards_effective = 1`,
}

/** Content of files against its name. */
export async function* blobFindings(session: MaintenanceSession): AsyncGenerator<Finding> {
  const blobs = await session.query<{ readonly id: string; readonly sha256: string; readonly size: number }>(
    `SELECT id, encode(sha256, 'hex') AS sha256, size FROM blob WHERE sha256 IS NOT NULL ORDER BY sha256`,
  )
  for (const { id, sha256, size } of blobs) {
    const hash = createHash('sha256')
    let found = 0
    for await (const piece of blobBytes(session, id)) {
      hash.update(piece)
      found += piece.length
    }
    if (found !== size || hash.digest('hex') !== sha256)
      yield { check: 'blob', what: `content ${sha256} is not what its name says (${found} of ${size} bytes)` }
  }
}

export async function* inputFindings(session: MaintenanceSession): AsyncGenerator<Finding> {
  const text = 'SELECT run_id, body, sha256 FROM run_input'
  for await (const row of session.rows<{ run_id: string; body: Buffer; sha256: Buffer }>(text, [], 20)) {
    const sound = whole(() => createHash('sha256').update(gunzipSync(row.body)).digest().equals(row.sha256))
    if (!sound) yield { check: 'input', what: `input of run ${row.run_id}` }
  }
}

interface StoredAttempt {
  readonly run_id: string
  readonly number: number
  readonly digests: Buffer
}

interface StoredPage {
  readonly first_index: number
  readonly count: number
  readonly encoding: number
  readonly samples: Buffer
  readonly level64: Buffer
}

interface Chunk {
  readonly first_index: number
  readonly count: number
  readonly checksums: Buffer
}

/** Samples against the CRC-32 of every chunk, those against the digest of the channel, and the pyramid against the samples. */
export async function* pageFindings(session: MaintenanceSession): AsyncGenerator<Finding> {
  const attempts = await session.query<StoredAttempt>(
    `SELECT run_id, number, digests FROM attempt WHERE state = 'ENDED' AND digests IS NOT NULL ORDER BY run_id, number`,
  )
  for (const { run_id: runId, number, digests } of attempts) {
    const chunks = await session.query<Chunk>(
      'SELECT first_index, count, checksums FROM journal WHERE run_id = $1 AND attempt = $2 AND checksums IS NOT NULL ORDER BY first_index',
      [runId, number],
    )
    for (let channel = 0; channel < digests.length / 32; channel++) {
      const named = (more: string): Finding => ({
        check: 'page',
        what: `channel ${channel} of run ${runId}, attempt ${number}: ${more}`,
      })
      const hash = createHash('sha256')
      for (const { checksums } of chunks) hash.update(checksums.subarray(channel * 4, channel * 4 + 4))
      if (!hash.digest().equals(digests.subarray(channel * 32, channel * 32 + 32)))
        yield named('the checksums of its chunks do not amount to its digest')
      const queue = chunks.map((chunk) => ({ ...chunk, crc: 0, seen: 0 }))
      const text = `SELECT first_index, count, encoding, samples, level64 FROM page
        WHERE run_id = $1 AND attempt = $2 AND channel = $3 ORDER BY first_index`
      let at = 0
      for await (const page of session.rows<StoredPage>(text, [runId, number, channel], 8)) {
        const encoding: SampleEncoding = page.encoding === sampleEncoding.toProto('i16') ? 'i16' : 'f32'
        const width = BYTES_PER_SAMPLE[encoding]
        const end = page.first_index + page.count
        if (page.samples.length !== page.count * width) yield named(`page ${page.first_index} has another length`)
        const pyramid = pyramidOf(samplesOf(page.samples, encoding), page.first_index, LEVELS[0])
        if (!Buffer.from(pyramid.buffer, pyramid.byteOffset, pyramid.byteLength).equals(page.level64))
          yield named(`the overview of page ${page.first_index} is not that of its samples`)
        for (let next = queue[at]; next && next.first_index < end; next = queue[at]) {
          const from = next.first_index + next.seen
          const to = Math.min(end, next.first_index + next.count)
          if (from >= page.first_index)
            next.crc = crc32(
              page.samples.subarray((from - page.first_index) * width, (to - page.first_index) * width),
              next.crc,
            )
          next.seen = to - next.first_index
          if (next.seen < next.count) break
          at += 1
          if (next.crc !== next.checksums.readUInt32LE(channel * 4))
            yield named(`samples ${next.first_index} to ${next.first_index + next.count} have another checksum`)
        }
      }
      if (at < queue.length) yield named(`samples from ${queue[at]?.first_index} on are missing`)
    }
  }
}

interface Indexed {
  readonly id: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly kept: Readonly<Record<string, unknown>>
}

/** Runs whose index of parameters is not what their parameters say. */
export async function* indexFindings(
  session: MaintenanceSession,
): AsyncGenerator<Finding & { readonly runId: string }> {
  const text = `SELECT r.id, r.parameters, coalesce((SELECT jsonb_object_agg(k.path, coalesce(to_jsonb(k.num), to_jsonb(k.txt), to_jsonb(k.bool), k.json, 'null'))
      FROM parameter_index k WHERE k.run_id = r.id), '{}') AS kept
    FROM run r WHERE r.parent_id IS NULL AND (r.parameters <> '{}' OR EXISTS (SELECT FROM parameter_index k WHERE k.run_id = r.id))`
  for await (const { id, parameters, kept } of session.rows<Indexed>(text, [], 100)) {
    const expected = Object.fromEntries([...flatten(parameters)].map(([path, { value }]) => [path, value ?? null]))
    if (canonical(expected) !== canonical(kept))
      yield { check: 'parameter-index', what: `parameters of run ${id}`, runId: id }
  }
}

/** Keys in order, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

function whole(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    // What cannot be unpacked is damaged.
    return false
  }
}
