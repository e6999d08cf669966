/** Reading measurements back: plots from the pyramid, slices from pages. */
import type { Hub } from '../tools/hub.mjs'
import { rowPerSamplePlot } from './baselines.ts'
import { EIGHT_CHANNELS, clientOf, complete, poolOf } from './hub-access.ts'
import { median, ms, row, seconds, times, type Section } from './report.ts'

const SAMPLES = 1_000_000
const REPEATS = 30

export async function measure(hub: Hub): Promise<Section> {
  const client = clientOf(hub)
  const pool = poolOf(hub)
  const typical = async (work: () => Promise<unknown>): Promise<number> => {
    await work()
    const all: number[] = []
    for (let i = 0; i < REPEATS; i++) all.push((await seconds(work)) * 1000)
    return median(all)
  }
  try {
    const { id } = await complete(client, {
      kind: 'simulate',
      source: EIGHT_CHANNELS,
      opTimeNs: 2_000_000_000,
      sampleRateHz: 500_000,
    })
    const plot = await typical(() => client.plot(id, { channels: [0], points: 2000 }))
    const plotAll = await typical(() => client.plot(id, { points: 2000 }))
    const slice = await typical(async () =>
      (await client.results(id, { format: 'raw', channels: [0], from: '#500000', to: '#510000' })).arrayBuffer(),
    )
    const channel = await typical(async () =>
      (await client.results(id, { format: 'raw', channels: [0] })).arrayBuffer(),
    )
    const csv = await seconds(async () => (await client.results(id, { format: 'csv', channels: [0] })).text())

    const one = [id, 1, 0]
    const sqlPlot = await typical(() =>
      pool.query(
        'SELECT first_index, count, level64 FROM page WHERE run_id = $1 AND attempt = $2 AND channel = $3 ORDER BY first_index',
        one,
      ),
    )
    const sqlChannel = await typical(() =>
      pool.query(
        'SELECT samples FROM page WHERE run_id = $1 AND attempt = $2 AND channel = $3 ORDER BY first_index',
        one,
      ),
    )
    const rows = (await rowPerSamplePlot(pool, SAMPLES)) * 1000
    return {
      title: 'Reading 1 000 000 samples per channel',
      rows: [
        row('plot of 2 000 points over HTTP', ms(plot), {
          against: 'ours / bare SQL read',
          ratio: times(plot / sqlPlot),
          goal: '<= 3 x',
        }),
        row('  the same as rows per sample, SQL alone', ms(rows), {
          against: 'it / ours',
          ratio: times(rows / plot),
          goal: '>= 50 x',
        }),
        row('  bare SQL read of the pyramid', ms(sqlPlot)),
        row('plot of all 8 channels over HTTP', ms(plotAll)),
        row('slice of 1 % over HTTP, raw', ms(slice)),
        row('whole channel over HTTP, raw', ms(channel), {
          against: 'ours / bare SQL read',
          ratio: times(channel / sqlChannel),
        }),
        row('whole channel over HTTP, CSV', ms(csv * 1000), {
          against: 'Msamples/s',
          ratio: (SAMPLES / csv / 1e6).toFixed(1),
        }),
      ],
    }
  } finally {
    await pool.end()
  }
}
