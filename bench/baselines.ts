/**
 * What others do, or what a bare loop could do, with the same servers and the same samples: the figures
 * that ours are divided by. Each runs for about a second.
 */
import { gzipSync } from 'node:zlib'
import { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { once } from 'node:events'
import { seconds } from './report.ts'

const CHANNELS = 8
const PAGE = 16_384

/** MLflow's way: batches of 1 000 rows, one per value, and an upsert of each key's latest value. Samples/s. */
export async function mlflow(pool: pg.Pool): Promise<number> {
  await pool.query(`
    DROP TABLE IF EXISTS bench_metrics, bench_latest;
    CREATE TABLE bench_metrics (run_uuid text, key text, value float8, step bigint, timestamp bigint, is_nan bool,
      PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
    CREATE TABLE bench_latest (run_uuid text, key text, value float8, step bigint, timestamp bigint, PRIMARY KEY (key, run_uuid))`)
  const batches = 60
  const rows = 1000
  const elapsed = await seconds(async () => {
    for (let batch = 0; batch < batches; batch++) {
      const steps = Array.from({ length: rows }, (_, i) => batch * rows + i)
      await pool.query(
        `INSERT INTO bench_metrics SELECT 'run', 'ch' || (s % ${CHANNELS}), sin(s), s, s, false FROM unnest($1::bigint[]) s`,
        [steps],
      )
      await pool.query(
        `INSERT INTO bench_latest SELECT 'run', 'ch' || (s % ${CHANNELS}), sin(s), s, s FROM unnest($1::bigint[]) s
         ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, step = excluded.step, timestamp = excluded.timestamp`,
        [steps.slice(-CHANNELS)],
      )
    }
  })
  await pool.query('DROP TABLE bench_metrics, bench_latest')
  return (batches * rows) / elapsed
}

/** YAPTIDE's way: one page of 65 536 values as gzipped JSON. Samples/s. */
export async function yaptide(pool: pg.Pool): Promise<number> {
  await pool.query(
    'DROP TABLE IF EXISTS bench_json; CREATE TABLE bench_json (channel int, number int, body bytea, PRIMARY KEY (channel, number))',
  )
  const pages = 24
  const values = Array.from({ length: 65_536 }, (_, i) => Math.fround(Math.sin(i * 1e-3)))
  const elapsed = await seconds(async () => {
    for (let page = 0; page < pages; page++) {
      const body = gzipSync(JSON.stringify({ values }))
      await pool.query('INSERT INTO bench_json VALUES ($1, $2, $3)', [page % CHANNELS, page, body])
    }
  })
  await pool.query('DROP TABLE bench_json')
  return (pages * values.length) / elapsed
}

/**
 * The bare pipeline: the same 128 KiB messages through a JetStream file stream with 32 in flight, a pull
 * consumer, one COPY of pages per batch, ack. No framework, no journal, no checksum, no pyramid. Samples/s.
 */
export async function bare(options: { natsUrl: string; pool: pg.Pool; chunks: number }): Promise<number> {
  const { natsUrl, pool, chunks } = options
  const samples = 4096
  await pool.query(
    'DROP TABLE IF EXISTS bench_page; CREATE TABLE bench_page (channel int, first bigint, body bytea, PRIMARY KEY (channel, first)); ALTER TABLE bench_page ALTER body SET STORAGE EXTERNAL',
  )
  const connection = await connect({ servers: natsUrl })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({
    name: 'BENCH',
    subjects: ['bench.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
  })
  await manager.consumers.add('BENCH', { durable_name: 'bare', ack_policy: AckPolicy.Explicit, max_ack_pending: 1024 })
  const js = jetstream(connection)
  const consumer = await js.consumers.get('BENCH', 'bare')
  const payload = new Uint8Array(new Float32Array(CHANNELS * samples).map((_, i) => Math.sin(i * 1e-3)).buffer)

  const elapsed = await seconds(async () => {
    const flight = new Set<Promise<unknown>>()
    const publishing = (async () => {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const sent = js.publish(`bench.${chunk}`, payload).finally(() => flight.delete(sent))
        flight.add(sent)
        if (flight.size >= 32) await Promise.race(flight)
      }
      await Promise.all(flight)
    })()
    let stored = 0
    while (stored < chunks) {
      const batch = []
      for await (const message of await consumer.fetch({ max_messages: (PAGE / samples) * 8, expires: 1000 }))
        batch.push(message)
      const client = await pool.connect()
      const copy = client.query(copyFrom('COPY bench_page FROM STDIN (FORMAT binary)'))
      copy.write(Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]))
      for (let begin = 0; begin < batch.length; begin += PAGE / samples) {
        const group = batch.slice(begin, begin + PAGE / samples)
        for (let channel = 0; channel < CHANNELS; channel++) {
          const body = Buffer.concat(
            group.map(({ data }) => data.subarray(channel * samples * 4, (channel + 1) * samples * 4)),
          )
          copy.write(pageRow(channel, stored + begin, body))
        }
      }
      copy.end(Buffer.from([0xff, 0xff]))
      await once(copy, 'finish')
      client.release()
      for (const message of batch) message.ack()
      stored += batch.length
    }
    await publishing
  })
  await manager.streams.delete('BENCH')
  await connection.close()
  await pool.query('DROP TABLE bench_page')
  return (chunks * samples * CHANNELS) / elapsed
}

function pageRow(channel: number, first: number, body: Buffer): Buffer {
  const head = Buffer.alloc(2 + 8 + 12 + 4)
  head.writeInt16BE(3, 0)
  head.writeInt32BE(4, 2)
  head.writeInt32BE(channel, 6)
  head.writeInt32BE(8, 10)
  head.writeBigInt64BE(BigInt(first), 14)
  head.writeInt32BE(body.length, 22)
  return Buffer.concat([head, body])
}

/** A row per sample with a primary key: fills a channel of this many samples and times its plot of 2 000 points. Seconds. */
export async function rowPerSamplePlot(pool: pg.Pool, samples: number): Promise<number> {
  await pool.query(
    'DROP TABLE IF EXISTS bench_sample; CREATE TABLE bench_sample (channel int, i bigint, v float4, PRIMARY KEY (channel, i))',
  )
  await pool.query(`INSERT INTO bench_sample SELECT 0, i, sin(i * 1e-3) FROM generate_series(0, ${samples - 1}) i`)
  await pool.query('ANALYZE bench_sample')
  const bucket = Math.ceil(samples / 2000)
  const query = () =>
    pool.query(
      `SELECT i / ${bucket} AS bucket, min(v), max(v) FROM bench_sample WHERE channel = 0 GROUP BY 1 ORDER BY 1`,
    )
  await query()
  const elapsed = Math.min(await seconds(query), await seconds(query), await seconds(query))
  await pool.query('DROP TABLE bench_sample')
  return elapsed
}

/** The bare queue: commit a row, a message through JetStream to a worker and back, commit the end. Milliseconds each. */
export async function bareQueue(options: { natsUrl: string; pool: pg.Pool; runs: number }): Promise<number[]> {
  const { natsUrl, pool, runs } = options
  await pool.query('DROP TABLE IF EXISTS bench_job; CREATE TABLE bench_job (id int PRIMARY KEY, state text)')
  const connection = await connect({ servers: natsUrl })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'BENCHJOB', subjects: ['benchjob.>'], storage: StorageType.File })
  await manager.consumers.add('BENCHJOB', {
    durable_name: 'worker',
    ack_policy: AckPolicy.Explicit,
    filter_subject: 'benchjob.do',
  })
  await manager.consumers.add('BENCHJOB', {
    durable_name: 'store',
    ack_policy: AckPolicy.Explicit,
    filter_subject: 'benchjob.done',
  })
  const js = jetstream(connection)
  const worker = await (await js.consumers.get('BENCHJOB', 'worker')).consume()
  const store = await (await js.consumers.get('BENCHJOB', 'store')).consume()
  void (async () => {
    for await (const message of worker) {
      await js.publish('benchjob.done', message.data)
      message.ack()
    }
  })()
  const done = store[Symbol.asyncIterator]()
  const latencies: number[] = []
  for (let id = 0; id < runs; id++) {
    const begun = performance.now()
    await pool.query("INSERT INTO bench_job VALUES ($1, 'QUEUED')", [id])
    await js.publish('benchjob.do', String(id))
    const { value } = await done.next()
    await pool.query("UPDATE bench_job SET state = 'COMPLETED' WHERE id = $1", [id])
    value?.ack()
    latencies.push(performance.now() - begun)
  }
  worker.stop()
  store.stop()
  await manager.streams.delete('BENCHJOB')
  await connection.close()
  await pool.query('DROP TABLE bench_job')
  return latencies
}
