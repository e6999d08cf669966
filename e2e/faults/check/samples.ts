/** Samples: I2 and I3. What is stored is compared, sample by sample, with the formula the devices measure by. */
import type { Client } from 'pg'
import { samplesAt } from '../sample.ts'
import type { AttemptRow, Facts } from './facts.ts'
import { violation, type Violation } from './violation.ts'

interface PageRow {
  readonly attempt: number
  readonly channel: number
  readonly first_index: number
  readonly count: number
  readonly samples: Buffer
}

/** Samples per channel that are whole, and where the first hole or overlap lies. */
interface Stored {
  samples: number
  next: number
  hole: boolean
}

export interface SampleCounts {
  /** Over all channels and attempts. */
  compared: number
  lost: number
  duplicated: number
  corrupt: number
}

export async function checkSamples(
  client: Client,
  facts: Facts,
): Promise<{ violations: Violation[]; counts: SampleCounts }> {
  const counts: SampleCounts = { compared: 0, lost: 0, duplicated: 0, corrupt: 0 }
  const violations: Violation[] = []
  for (const run of facts.runs) {
    const own = facts.attempts.filter(({ run_id }) => run_id === run.id)
    const { rows } = await client.query<PageRow>(
      'SELECT attempt, channel, first_index::float8 AS first_index, count, samples FROM page WHERE run_id = $1 ORDER BY attempt, channel, first_index',
      [run.id],
    )
    const stored = new Map<string, Stored>()
    for (const page of rows) {
      const attempt = own.find(({ number }) => number === page.attempt)
      violations.push(...checkPage(page, { attempt, runId: run.id, stored, counts }))
    }
    if (run.state !== 'COMPLETED') continue
    const winner = own.find(({ number }) => number === run.winning_attempt)
    violations.push(...checkComplete(facts, { runId: run.id, winner, stored, counts }))
  }
  return { violations, counts }
}

function checkPage(
  page: PageRow,
  {
    attempt,
    runId,
    stored,
    counts,
  }: { attempt: AttemptRow | undefined; runId: string; stored: Map<string, Stored>; counts: SampleCounts },
): Violation[] {
  const name = `${runId}/${page.attempt} channel ${page.channel}`
  const found: Violation[] = []
  const key = `${page.attempt}/${page.channel}`
  const place = stored.get(key) ?? { samples: 0, next: 0, hole: false }
  stored.set(key, place)
  if (page.first_index < place.next) {
    counts.duplicated += Math.min(place.next - page.first_index, page.count)
    found.push(violation('I3', `${name} holds samples ${page.first_index} to ${place.next} twice`))
  }
  if (page.first_index > place.next) place.hole = true
  place.next = Math.max(place.next, page.first_index + page.count)
  place.samples += page.count
  if (!attempt?.device_run_id) return [...found, violation('I2', `${name} holds samples that no device was asked for`)]
  const expected = samplesAt(attempt.device_run_id, {
    channel: page.channel,
    from: page.first_index,
    count: page.count,
  })
  counts.compared += page.count
  if (Buffer.from(expected.buffer).equals(page.samples)) return found
  const actual =
    page.samples.length === page.count * 4 ? new Float32Array(new Uint8Array(page.samples).buffer) : new Float32Array(0)
  const wrong = [...expected].filter((value, index) => actual[index] !== value).length
  counts.corrupt += wrong
  const first = [...expected].findIndex((value, index) => actual[index] !== value)
  return [
    ...found,
    violation('I2', `${name}: ${wrong} samples from ${page.first_index + first} on are not what the device sent`),
  ]
}

function checkComplete(
  facts: Facts,
  {
    runId,
    winner,
    stored,
    counts,
  }: { runId: string; winner: AttemptRow | undefined; stored: ReadonlyMap<string, Stored>; counts: SampleCounts },
): Violation[] {
  const run = facts.runs.find(({ id }) => id === runId)
  const plan = facts.schedule.runs.find(({ key }) => key === run?.key)
  const device = winner?.device_run_id ? facts.deviceRuns.get(winner.device_run_id) : undefined
  if (!run || !plan) return []
  if (!winner || !device) return [violation('I2', `run ${runId} is COMPLETED, and no device has run it to its end`)]
  const asked = Math.max(1, Math.floor((plan.opTimeNs * plan.sampleRateHz) / 1e9))
  const channels = 2 * plan.oscillators
  const found: Violation[] = []
  if (!plan.acceptGaps && (device.skipped > 0 || !device.done || device.sent !== asked))
    found.push(
      violation(
        'I2',
        `run ${runId} is COMPLETED, and its device sent ${device.sent} of ${asked} samples and lost ${device.skipped}`,
      ),
    )
  for (let channel = 0; channel < channels; channel++) {
    const place = stored.get(`${winner.number}/${channel}`) ?? { samples: 0, next: 0, hole: false }
    const missing = device.sent - place.samples
    if (missing === 0 && (!place.hole || device.skipped > 0)) continue
    counts.lost += Math.max(0, missing)
    found.push(
      violation(
        'I2',
        `run ${runId} channel ${channel}: ${place.samples} of ${device.sent} samples are stored${place.hole ? ', with a hole' : ''}`,
      ),
    )
  }
  return found
}
