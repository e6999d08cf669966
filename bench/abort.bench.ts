/**
 * How fast a running run stops: from the request over HTTP to the device's stop command, and to the sealed journal.
 * The baseline is the device alone: the same run on the same kind of device, stopped by its own client.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, lucidacDescription } from '@lucihub/analog'
import { connectDevice, serveDevice } from '@lucihub/device'
import { SimulatedComputer, realTimePace } from '@lucihub/simulation'
import type { Hub } from '../tools/hub.mjs'
import { addDevice, clientOf } from './hub-access.ts'
import { ms, percentile, row, times, type Section } from './report.ts'

const RUNS = 100
const MAC = '04-E9-E5-BE-00-09'
const OP_TIME_NS = 9_000_000_000
const SOURCE = 'let diff[x, t](t) = -x(t); let x(t: 0) = 1; probe x(t);'

export async function measure(hub: Hub): Promise<Section> {
  const client = clientOf(hub)
  const pace = realTimePace({ nowMs: () => performance.now(), sleep: async (wait) => void (await sleep(wait)) })
  let stoppedAt = 0
  const device = await serveDevice({
    computer: new SimulatedComputer({ description: lucidacDescription(MAC), pace, chunkSamples: 100 }),
    port: 0,
    onCommand: ({ command }) => {
      if (command === 'stopRunCommand') stoppedAt = performance.now()
    },
  })
  try {
    const bare = await bareStops(device.port)
    await addDevice(hub, { mac: MAC, port: device.port })
    const stops: number[] = []
    const ends: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const { run } = await client.submitRun({
        kind: 'run',
        device: MAC,
        source: SOURCE,
        opTimeNs: OP_TIME_NS,
        sampleRateHz: 10_000,
      })
      let begun = 0
      for await (const event of client.events(run.id)) {
        if (begun === 0 && event.kind === 'phase' && event.phase === 'OP') {
          begun = performance.now()
          await client.cancel(run.id)
        }
        if (event.kind === 'state' && isTerminal(event.state)) break
      }
      stops.push(stoppedAt - begun)
      ends.push(performance.now() - begun)
    }
    const alone = percentile(bare, 0.5)
    return {
      title: `Abort of a running run, ${RUNS} times`,
      rows: [
        row('request to stop command at the device, p50', ms(percentile(stops, 0.5))),
        row('request to stop command at the device, p99', ms(percentile(stops, 0.99)), { goal: '<= 200 ms' }),
        row('request to terminal state, p50', ms(percentile(ends, 0.5)), {
          against: 'ours / device alone',
          ratio: times(percentile(ends, 0.5) / alone),
        }),
        row('request to terminal state, p99', ms(percentile(ends, 0.99)), { goal: '<= 200 ms' }),
        row('device alone: stop to its last word, p50', ms(alone)),
        row('device alone: stop to its last word, p99', ms(percentile(bare, 0.99))),
      ],
    }
  } finally {
    await device.close()
  }
}

async function bareStops(port: number): Promise<number[]> {
  const computer = await connectDevice({ host: '127.0.0.1', port })
  const waits: number[] = []
  try {
    for (let i = 0; i < RUNS; i++) {
      await computer.reset()
      const stop = new AbortController()
      const request = { icTimeNs: 100_000, opTimeNs: OP_TIME_NS, sampleRateHz: 10_000 }
      let begun = 0
      const run = computer.run({ id: `bare-${i}`, ...request, haltOnOverload: false, finalValues: false }, stop.signal)
      for await (const event of run) {
        if (event.kind !== 'phase' || event.phase !== 'OP') continue
        begun = performance.now()
        stop.abort()
      }
      waits.push(performance.now() - begun)
    }
  } finally {
    await computer.close()
  }
  return waits
}
