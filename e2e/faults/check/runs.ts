/** Runs, attempts and their states: I1, I6, I7, I8, I11, I12, I18. */
import type { Client } from 'pg'
import { TIMES } from '../stage.ts'
import { disturbed, type AttemptRow, type Facts } from './facts.ts'
import { violation, type Violation } from './violation.ts'

/** The documented automata, written here once more: the hub's own table is what is being checked. */
const RUN_PATHS: Readonly<Record<string, readonly string[]>> = {
  QUEUED: ['RUNNING', 'CANCELED', 'FAILED', 'TIMED_OUT', 'QUEUED'],
  RUNNING: ['QUEUED', 'COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT', 'RUNNING'],
}
const ATTEMPT_PATHS: Readonly<Record<string, readonly string[]>> = {
  DISPATCHED: ['CLAIMED', 'ABORTED', 'LOST', 'CANCELED'],
  CLAIMED: ['ENDED', 'ABORTED', 'LOST', 'CANCELED'],
}
/** How long the answer to a renewal may be on its way, ms. */
const ANSWER_MS = 300
/** Share of a lease within which nobody gives it up: executors keep a margin of a fifth. */
const HELD_FOR_SURE = 0.7
const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT']

export function checkRuns(facts: Facts): Violation[] {
  return [
    ...checkAccepted(facts),
    ...checkTransitions(facts),
    ...checkClaims(facts),
    ...checkCancels(facts),
    ...checkFollowers(facts),
    ...facts.attempts.flatMap((attempt) => [...checkRepetition(facts, attempt), ...checkGivenUp(facts, attempt)]),
  ]
}

function checkAccepted({ users, runs }: Facts): Violation[] {
  const byId = new Map(runs.map((run) => [run.id, run]))
  const accepted = users.answers.filter(({ what, status }) => what === 'submit' && (status === 200 || status === 201))
  const lost = accepted
    .filter(({ runId }) => !byId.has(runId))
    .map(({ key, runId }) => violation('I1', `run ${runId} (${key}) was accepted and does not exist`))
  const keys = new Map<string, Set<string>>()
  for (const { key, runId } of accepted) keys.set(key, (keys.get(key) ?? new Set()).add(runId))
  const doubled = [...keys]
    .filter(([, ids]) => ids.size > 1)
    .map(([key, ids]) => violation('I1', `the key ${key} was accepted as ${[...ids].join(' and ')}`))
  const endings = runs.flatMap((run) => {
    if (run.terminals !== 1)
      return [violation('I1', `run ${run.id} (${run.key}) is ${run.state} and has ${run.terminals} terminal rows`)]
    return run.terminal_state === run.state
      ? []
      : [violation('I1', `run ${run.id} is ${run.state}, its terminal row says ${run.terminal_state}`)]
  })
  return [...lost, ...doubled, ...endings]
}

function checkTransitions({ changes, runs, attempts }: Facts): Violation[] {
  const ours = new Set(runs.map(({ id }) => id))
  const found = changes
    .filter(({ run_id }) => run_id !== null && ours.has(run_id))
    .flatMap(({ what, run_id, attempt, old_state, state }) => {
      const name = what === 'attempt' ? `attempt ${run_id}/${attempt}` : `run ${run_id}`
      if (what === 'terminal-update' || what === 'terminal-delete')
        return [violation('I7', `the terminal row of ${name} was changed from ${old_state} to ${state}`)]
      if (what === 'terminal-insert' || what === 'lease') return []
      if (old_state === null) {
        const first = what === 'run' ? ['CREATED', 'QUEUED'] : ['DISPATCHED']
        return first.includes(state ?? '') ? [] : [violation('I7', `${name} began as ${state}`)]
      }
      const paths = what === 'run' ? RUN_PATHS : ATTEMPT_PATHS
      // An update that leaves the state alone is no transition, unless it is about an end.
      if (old_state === state && paths[old_state]) return []
      return paths[old_state]?.includes(state ?? '')
        ? []
        : [violation('I7', `${name} went from ${old_state} to ${state}`)]
    })
  const aborted = attempts.filter(({ state, counted }) => state === 'ABORTED' && counted)
  return [
    ...found,
    ...aborted
      .filter(({ outcome }) => outcome !== 'rejected')
      .map(({ run_id, number }) => violation('I7', `attempt ${run_id}/${number} is ABORTED and counted`)),
  ]
}

/** I6, replayed from the audit. */
function checkClaims({ changes }: Facts): Violation[] {
  const claimed = new Map<string, Set<string>>()
  return changes.flatMap(({ what, device_id, run_id, attempt, state }) => {
    if (what !== 'attempt' || device_id === null) return []
    const holders = claimed.get(device_id) ?? new Set<string>()
    claimed.set(device_id, holders)
    const name = `${run_id}/${attempt}`
    if (state === 'CLAIMED') holders.add(name)
    else holders.delete(name)
    return holders.size > 1
      ? [violation('I6', `device ${device_id} had ${[...holders].join(' and ')} claimed at once`)]
      : []
  })
}

function checkCancels({ users, runs, attempts, commands, attemptOf }: Facts): Violation[] {
  const byId = new Map(runs.map((run) => [run.id, run]))
  const answers = users.answers
    .filter(({ what }) => what === 'cancel')
    .flatMap(({ runId, status, state, detail }) => {
      const run = byId.get(runId)
      const said = status === 409 ? (/is ([A-Z_]+)/.exec(detail)?.[1] ?? '') : status === 200 ? state : ''
      if (!run || said === '' || !TERMINAL.includes(said) || run.state === said) return []
      return [violation('I12', `cancelling ${runId} was answered ${status} ${said}, and it is ${run.state}`)]
    })
  const late = commands
    .filter(({ command }) => command === 'startRunCommand')
    .flatMap(({ runId, wallMs }) => {
      const attempt = attemptOf.get(runId)
      const ended = attempt && byId.get(attempt.run_id)?.terminalMs
      return ended && wallMs > ended + 50
        ? [violation('I12', `run ${attempt.run_id} was started ${Math.round(wallMs - ended)} ms after it had ended`)]
        : []
    })
  const waiting = new Set(attempts.filter(({ device_run_id }) => device_run_id).map(({ run_id }) => run_id))
  const untouched = runs
    .filter(({ id, state }) => state === 'COMPLETED' && !waiting.has(id))
    .map(({ id }) => violation('I1', `run ${id} is COMPLETED without a claimed attempt`))
  return [...answers, ...late, ...untouched]
}

function checkFollowers({ users, runs }: Facts): Violation[] {
  const byId = new Map(runs.map((run) => [run.id, run]))
  return users.heard.flatMap(({ runId, key, events, over }) => {
    const found: Violation[] = []
    let last = [0, -1]
    for (const { id } of events) {
      if (id === '') continue
      const [attempt = 0, seq = 0] = id.split(':').map(Number)
      if (attempt < (last[0] ?? 0) || (attempt === last[0] && seq <= (last[1] ?? 0)))
        found.push(violation('I11', `who followed ${runId} heard ${id} after ${last.join(':')}`))
      last = [attempt, seq]
    }
    const run = byId.get(runId)
    const told = events.findLast(({ event }) => event === 'state')?.state
    if (!over) found.push(violation('I11', `who followed ${runId} (${key}) was never told that it is ${run?.state}`))
    else if (run && told !== run.state)
      found.push(violation('I11', `who followed ${runId} was told ${told}, and it is ${run.state}`))
    return found
  })
}

/**
 * I18: an attempt that its device finished is repeated only where something took the executor's word away. The times
 * between the device's end and the hub's verdict must then hold a fault that can explain it.
 */
function checkRepetition(facts: Facts, attempt: AttemptRow): Violation[] {
  const { device_run_id, state, outcome, reason, endedMs, claimedMs } = attempt
  const device = device_run_id ? facts.deviceRuns.get(device_run_id) : undefined
  if (!device?.done || endedMs === null || device.skipped > 0) return []
  if (state !== 'LOST' && !['lease_lost', 'device_lost', 'device_error', 'incomplete'].includes(outcome)) return []
  if (reason.startsWith('canceled')) return []
  const explained = disturbed(facts, {
    fromMs: claimedMs ?? 0,
    toMs: endedMs,
    by: (kind, target) => explains({ kind, target, attempt }),
  })
  return explained
    ? []
    : [
        violation(
          'I18',
          `attempt ${attempt.run_id}/${attempt.number} was finished by its device and ended ${state} ${outcome}: ${reason}`,
        ),
      ]
}

/**
 * I18: an executor that says it lost its lease must not have been granted it shortly before. When it gave up is what
 * the device saw, since the hub writes the end down later; if nothing was started, it was after the claim.
 */
function checkGivenUp(facts: Facts, attempt: AttemptRow): Violation[] {
  const { run_id, number, device_id, epoch, device_run_id, outcome, reason, claimedMs, endedMs } = attempt
  if (outcome !== 'lease_lost' || !reason.includes('ran out') || claimedMs === null || endedMs === null) return []
  const device = device_run_id ? facts.deviceRuns.get(device_run_id) : undefined
  if (device?.done) return []
  const [grantedBefore, gaveUpMs] = device ? [device.wallMs - ANSWER_MS, device.wallMs] : [claimedMs, endedMs]
  const grants = facts.changes.filter(
    (change) => change.what === 'lease' && change.device_id === device_id && change.epoch === epoch,
  )
  const grantedMs = Math.max(0, ...grants.map(({ atMs }) => atMs).filter((atMs) => atMs < grantedBefore))
  const ageMs = gaveUpMs - grantedMs
  if (ageMs > HELD_FOR_SURE * TIMES.leaseTtlMs) return []
  const unheard = disturbed(facts, { fromMs: grantedMs, toMs: gaveUpMs, by: swallowsAnswers })
  return unheard
    ? []
    : [violation('I18', `attempt ${run_id}/${number} lost its lease ${Math.round(ageMs)} ms after it was granted`)]
}

/** Faults under which a grant may never reach the executor. */
function swallowsAnswers(kind: string, target: string): boolean {
  if (kind === 'takeover' || kind.startsWith('nats-') || target === 'nats') return true
  return kind !== 'message' && /^(run-store|hardware-executor)(-2)?(-nats)?$/.test(target)
}

/** Faults that may cost an attempt although its device finished it. Loss of NATS data or of a link for less than a lease is none. */
function explains({ kind, target, attempt }: { kind: string; target: string; attempt: AttemptRow }): boolean {
  if (attempt.reason.includes('journal stayed incomplete')) return kind === 'journal-full'
  if (target.startsWith('hardware-executor') || target.startsWith('executor-') || target === 'devices')
    return kind !== 'message'
  if (['takeover', 'journal-full', 'device'].includes(kind)) return true
  // Who cannot renew a lease in time loses it.
  if (kind === 'freeze-server' || kind === 'kill-server' || kind === 'nats-amnesia' || kind === 'postgres-sessions')
    return true
  return target.startsWith('run-store')
}

/** I8, and what the journal tells of itself. */
export async function checkJournals(client: Client, { attempts, runs }: Facts): Promise<Violation[]> {
  const { rows } = await client.query<{
    run_id: string
    attempt: number
    records: number
    distinct_records: number
    last: number
  }>(
    `SELECT run_id::text, attempt, count(*)::int AS records, count(DISTINCT seq)::int AS distinct_records, max(seq)::float8 AS last
    FROM journal WHERE run_id = ANY ($1::uuid[]) GROUP BY run_id, attempt`,
    [runs.map(({ id }) => id)],
  )
  const stored = new Map(rows.map((row) => [`${row.run_id}/${row.attempt}`, row]))
  return attempts.flatMap(({ run_id, number, state, last_seq }) => {
    const name = `${run_id}/${number}`
    const journal = stored.get(name)
    const found: Violation[] = []
    if (journal && journal.records !== journal.distinct_records)
      found.push(
        violation(
          'I3',
          `the journal of ${name} holds ${journal.records} records under ${journal.distinct_records} numbers`,
        ),
      )
    if (
      state !== 'LOST' &&
      last_seq !== null &&
      (journal?.distinct_records !== last_seq + 1 || journal.last !== last_seq)
    )
      found.push(
        violation(
          'I8',
          `attempt ${name} is ${state} with ${journal?.distinct_records ?? 0} of ${last_seq + 1} records`,
        ),
      )
    if (state === 'ENDED' && last_seq === null)
      found.push(violation('I8', `attempt ${name} is ENDED without an end record`))
    return found
  })
}
