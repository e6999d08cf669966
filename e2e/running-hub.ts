/** A hub of its own for one spec, with a client; stopped and removed afterwards. */
import { createClient, type Client, type RunResource, type RunSubmission } from '@lucihub/sdk'
import { until } from '@lucihub/testing'
import { isTerminal } from '@lucihub/analog'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHub, type Hub, type HubOptions } from '../tools/hub.mjs'

export interface RunningHub {
  readonly hub: Hub
  readonly client: Client
  /** Submits and waits for the terminal state. */
  complete(submission: RunSubmission): Promise<RunResource>
  terminal(id: string, timeoutMs?: number): Promise<RunResource>
  stop(): Promise<void>
}

/** Short leases, so that a test sees a takeover within seconds. */
const SHORT_LEASES = { LEASE_TTL_MS: '5000', LEASE_GRACE_MS: '500', LOST_AFTER_MS: '500' }

export async function runningHub(options: Partial<HubOptions> = {}): Promise<RunningHub> {
  const dir = mkdtempSync(join(tmpdir(), 'lucihub-e2e-'))
  const hub = await startHub({ dir, durable: false, environment: { 'run-store': SHORT_LEASES }, ...options })
  const client = createClient({ url: hub.url, apiKey: hub.apiKey })
  const terminal = async (id: string, timeoutMs = 30_000): Promise<RunResource> => {
    const ended = async () => {
      // A gateway or a store that is being restarted is no answer yet.
      const run = await client.run(id).catch(() => null)
      return run && isTerminal(run.state)
    }
    await until(ended, { timeoutMs, what: `run ${id} to end` })
    return client.run(id)
  }
  return {
    hub,
    client,
    terminal,
    complete: async (submission) => terminal((await client.submitRun(submission)).run.id),
    stop: async () => {
      await hub.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export const HARMONIC = `
let diff[x, t, t](t) = -x(t);
let x(t: 0) = 1;
probe x(t);
probe diff[x, t](t) as v;
`

/** Four oscillators of different speed: all eight integrators, all eight ADC channels. */
export const EIGHT_CHANNELS = [1, 0.7, 0.5, 0.3]
  .map((speed, index) => {
    const [x, y] = [`x${index}`, `y${index}`]
    return `let diff[${x}, t](t) = ${speed} * ${y}(t); let diff[${y}, t](t) = -${speed} * ${x}(t); let ${x}(t: 0) = 0.9; probe ${x}(t); probe ${y}(t);`
  })
  .join('\n')
