/** Device to disk: how many samples per second become durable, through every real process. */
import { RUN_LIMITS, type SampleEncoding } from '@lucihub/analog'
import { serveDevice } from '@lucihub/device'
import type { Hub } from '../tools/hub.mjs'
import { bare, mlflow, yaptide } from './baselines.ts'
import { EIGHT_CHANNELS, addDevice, clientOf, complete, poolOf } from './hub-access.ts'
import { ReplayComputer } from './replay-computer.ts'
import { mega, median, row, times, type Section } from './report.ts'

const DEVICES = [
  { mac: '04-E9-E5-BE-00-01', encoding: 'f32' },
  { mac: '04-E9-E5-BE-00-02', encoding: 'i16' },
] as const
const RUNS = 3

export async function measure(hub: Hub): Promise<Section> {
  const pool = poolOf(hub)
  try {
    const [ours, narrow] = [await rateOf(hub, DEVICES[0]), await rateOf(hub, DEVICES[1])]
    const pipeline = await bare({ natsUrl: hub.servers.nats.url, pool, chunks: 512 })
    const [logBatch, jsonPages] = [await mlflow(pool), await yaptide(pool)]
    return {
      title: 'Durable ingest, 8 channels f32, submit to terminal',
      rows: [
        row('device -> executor -> JetStream -> run-store -> Postgres', mega(ours), { goal: '>= 20 Msamples/s' }),
        row('  the same, samples of 16 bit', mega(narrow), { against: 'it / f32', ratio: times(narrow / ours) }),
        row('  in devices at full rate (8 x 500 000/s)', (ours / 4e6).toFixed(1), { goal: '>= 5' }),
        row('bare pipeline: JetStream -> COPY, no journal', mega(pipeline), {
          against: 'ours / it',
          ratio: times(ours / pipeline),
          goal: '>= 0.6 x',
        }),
        row('JSON + gzip pages (YAPTIDE)', mega(jsonPages), {
          against: 'ours / it',
          ratio: times(ours / jsonPages),
          goal: '>= 10 x',
        }),
        row('row per value, batches of 1 000 (MLflow)', mega(logBatch), {
          against: 'ours / it',
          ratio: times(ours / logBatch),
          goal: '>= 100 x',
        }),
      ],
    }
  } finally {
    await pool.end()
  }
}

/** Samples per second of the longest run that the hub takes, sent as fast as they are read. */
async function rateOf(hub: Hub, { mac, encoding }: { mac: string; encoding: SampleEncoding }): Promise<number> {
  const device = await serveDevice({ port: 0, computer: new ReplayComputer(mac, encoding) })
  try {
    await addDevice(hub, { mac, port: device.port })
    const client = clientOf(hub)
    const rates: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const opTimeNs = (RUN_LIMITS.samples.max / 8 / 500_000) * 1e9
      const begun = performance.now()
      const run = await complete(client, {
        kind: 'run',
        device: mac,
        source: EIGHT_CHANNELS,
        opTimeNs,
        sampleRateHz: 500_000,
        maxAttempts: 1,
      })
      if (run.storedSamples * 8 !== RUN_LIMITS.samples.max)
        throw new Error(`only ${run.storedSamples} samples per channel were stored`)
      rates.push(RUN_LIMITS.samples.max / ((performance.now() - begun) / 1000))
    }
    return median(rates)
  } finally {
    await device.close()
  }
}
