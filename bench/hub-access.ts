/** What a measurement is given: a hub of the same kind as `npm start`, and ways into it. */
import { isTerminal } from '@lucihub/analog'
import { createClient, type Client, type RunResource, type RunSubmission } from '@lucihub/sdk'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Hub } from '../tools/hub.mjs'

const PATIENCE_MS = 60_000

export function clientOf(hub: Hub): Client {
  return createClient({ url: hub.url, apiKey: hub.apiKey })
}

export function poolOf(hub: Hub): pg.Pool {
  return new pg.Pool({ connectionString: hub.servers.postgres.url, max: 8 })
}

/** Submits a run and follows its events to the end. Rejects when it does not complete. */
export async function complete(client: Client, submission: RunSubmission): Promise<RunResource> {
  const { run } = await client.submitRun(submission)
  for await (const event of client.events(run.id)) if (event.kind === 'state' && isTerminal(event.state)) break
  const ended = await client.run(run.id)
  if (ended.state !== 'COMPLETED') throw new Error(`run ${run.id} is ${ended.state}: ${ended.reason}`)
  return ended
}

/** Puts a device on the scanner's list and waits until an executor holds it. */
export async function addDevice(hub: Hub, { mac, port }: { mac: string; port: number }): Promise<void> {
  appendFileSync(join(hub.dir, 'devices.txt'), `127.0.0.1:${port} name=bench-${port}\n`)
  const client = clientOf(hub)
  const deadline = performance.now() + PATIENCE_MS
  while (!(await client.devices()).some(({ id, leased }) => id === mac && leased)) {
    if (performance.now() > deadline) throw new Error(`the device ${mac} was not found within ${PATIENCE_MS / 1000} s`)
    await sleep(100)
  }
}

/** Four oscillators: eight integrators, eight channels. */
export const EIGHT_CHANNELS = [1, 0.7, 0.5, 0.3]
  .map(
    (speed, i) =>
      `let diff[x${i}, t](t) = ${speed} * y${i}(t); let diff[y${i}, t](t) = -${speed} * x${i}(t); let x${i}(t: 0) = 0.9; probe x${i}(t); probe y${i}(t);`,
  )
  .join('\n')
