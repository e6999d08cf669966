/** Many small runs: what a parameter sweep by hand feels like. From HTTP submit to the terminal state over SSE. */
import type { Hub } from '../tools/hub.mjs'
import { bareQueue } from './baselines.ts'
import { clientOf, complete, poolOf } from './hub-access.ts'
import { ms, percentile, row, times, type Section } from './report.ts'

const ONE_AT_A_TIME = 200
const IN_FLIGHT = 32
const TOGETHER = 400

export async function measure(hub: Hub): Promise<Section> {
  const client = clientOf(hub)
  const pool = poolOf(hub)
  const source = 'let diff[x, t](t) = -x(t); let x(t: 0) = 1; probe x(t);'
  const tiny = () => complete(client, { kind: 'simulate', source, opTimeNs: 1_000_000, sampleRateHz: 100_000 })
  try {
    for (let i = 0; i < 20; i++) await tiny()
    const latencies: number[] = []
    for (let i = 0; i < ONE_AT_A_TIME; i++) {
      const begun = performance.now()
      await tiny()
      latencies.push(performance.now() - begun)
    }
    const accepted: number[] = []
    for (let i = 0; i < ONE_AT_A_TIME; i++) {
      const begun = performance.now()
      await client.submitRun({ kind: 'compile', source, opTimeNs: 1_000_000 })
      accepted.push(performance.now() - begun)
    }
    const begun = performance.now()
    let left = TOGETHER
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (left-- > 0) await tiny()
      }),
    )
    const rate = TOGETHER / ((performance.now() - begun) / 1000)
    const bare = await bareQueue({ natsUrl: hub.servers.nats.url, pool, runs: ONE_AT_A_TIME })
    const [p50, bare50] = [percentile(latencies, 0.5), percentile(bare, 0.5)]
    return {
      title: 'Tiny runs, 1 channel x 100 samples, one simulator',
      rows: [
        row('submit to terminal, one at a time, p50', ms(p50), {
          against: 'ours / bare queue',
          ratio: times(p50 / bare50),
          goal: '<= 25 ms',
        }),
        row('submit to terminal, one at a time, p99', ms(percentile(latencies, 0.99))),
        row(`throughput with ${IN_FLIGHT} waiting clients`, `${rate.toFixed(0)} runs/s`, { goal: '>= 200/s' }),
        row('accepted and durable, p50', ms(percentile(accepted, 0.5))),
        row('accepted and durable, p99', ms(percentile(accepted, 0.99)), { goal: '<= 20 ms' }),
        row('bare queue: row, JetStream there and back, row; p50', ms(bare50)),
        row('bare queue, p99', ms(percentile(bare, 0.99))),
      ],
    }
  } finally {
    await pool.end()
  }
}
