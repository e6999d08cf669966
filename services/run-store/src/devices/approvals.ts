/** What operators decide about devices: who is let in, who is kept out, and when one is offered. Each deed is audited and noted in the device's history. */
import { Injectable } from '@nestjs/common'
import { Problem, type Violation } from '@lucihub/analog'
import {
  descriptionFromProto,
  DeviceDescriptionMessage,
  type Actor,
  type DeviceChange,
  type DeviceWindow,
} from '@lucihub/contracts'
import { Database, sqlState, type Statement, type Transaction } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { NAMED } from './device-repository.ts'
import { pinOf, type Approval } from './identity.ts'

export const VERDICTS = ['approve', 'quarantine', 'release'] as const
export type Verdict = (typeof VERDICTS)[number]

/** From which approval a verdict leads where, and what the history calls it. */
const DECISIONS = {
  approve: { from: ['candidate'], to: 'approved', change: 'approved', instead: 'Release it instead.' },
  quarantine: { from: ['candidate', 'approved'], to: 'quarantined', change: 'quarantined', instead: '' },
  release: { from: ['quarantined'], to: 'approved', change: 'released', instead: 'Approve it instead.' },
} as const satisfies Record<Verdict, { from: readonly Approval[]; to: Approval; change: string; instead: string }>

const REASON_MAX = 500
const CHANGES_LIMIT = { max: 500, default: 100 } as const
/** What Postgres says about a time zone that it does not know. */
const INVALID_PARAMETER = '22023'
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/
const ZONE = /^[A-Za-z0-9_+/-]{1,64}$/

const LOCK: Statement = {
  name: 'device-lock',
  text: `SELECT d.id, d.approval, d.description, d.host, d.port, d.also_at FROM device d
    WHERE d.id = (SELECT d.id FROM device d WHERE ${NAMED}) FOR NO KEY UPDATE`,
}
const JUDGE: Statement = {
  name: 'device-judge',
  text: `WITH noted AS (INSERT INTO device_change (device_id, change, detail) VALUES ($1, $5, $6))
    UPDATE device SET approval = $2, approval_reason = $3, approval_since = now(), pinned = coalesce($4, pinned), pinned_at = coalesce($7, pinned_at)
    WHERE id = $1`,
}
const OFFER: Statement = {
  name: 'device-offer',
  text: `WITH noted AS (INSERT INTO device_change (device_id, change, detail) VALUES ($1, 'offered', $7))
    UPDATE device SET drained = coalesce($2, drained),
      offered_from = CASE WHEN $3 THEN $4::time ELSE offered_from END,
      offered_until = CASE WHEN $3 THEN $5::time ELSE offered_until END,
      offered_zone = CASE WHEN $3 THEN $6::text ELSE offered_zone END
    WHERE id = $1 AND now() AT TIME ZONE $6::text IS NOT NULL`,
}
const CHANGES: Statement = {
  name: 'device-changes',
  text: `SELECT c.seq, c.at, c.change, c.detail FROM device_change c
    WHERE c.device_id = (SELECT d.id FROM device d WHERE ${NAMED}) AND ($2 = 0 OR c.seq < $2) ORDER BY c.seq DESC LIMIT $3`,
}

interface LockedDevice {
  readonly id: string
  readonly approval: Approval
  readonly description: Buffer
  readonly host: string
  readonly port: number
  readonly also_at: readonly string[]
}

interface ChangeRow {
  readonly seq: number
  readonly at: Date
  readonly change: string
  readonly detail: unknown
}

/** What an operator changes; what is left out stays. A window of null: always offered. */
export interface Offer {
  readonly drained?: boolean
  readonly window?: DeviceWindow | null
}

@Injectable()
export class DeviceApprovals {
  constructor(private readonly database: Database) {}

  /**
   * Resolves with the device's id. Approving and releasing pin the device as it is seen now. Problems: `not-found`,
   * `validation-failed`, `state-conflict` for a verdict that does not follow from what the device is.
   */
  judge(
    actor: Actor,
    { device, verdict, reason }: { readonly device: string; readonly verdict: string; readonly reason: string },
  ): Promise<string> {
    const word = verdictOf({ verdict, reason })
    const { from, to, change, instead } = DECISIONS[word]
    return this.database.transaction(async (transaction) => {
      const found = await locked(transaction, device)
      if (!(from as readonly Approval[]).includes(found.approval))
        throw new Problem('state-conflict', `The device ${found.id} is ${found.approval}. ${instead}`.trimEnd())
      const trusted = to === 'approved' ? pinnedNow(found) : { pinned: null, endpoint: null }
      await transaction.query(JUDGE, [
        found.id,
        to,
        reason,
        trusted.pinned && JSON.stringify(trusted.pinned),
        change,
        JSON.stringify({ by: actor.userId, reason }),
        trusted.endpoint,
      ])
      await audit(transaction, {
        actor,
        action: `device.${word}`,
        object: found.id,
        outcome: 'ok',
        detail: { reason, from: found.approval },
      })
      return found.id
    })
  }

  /** Resolves with the device's id. Problems: `not-found`, `validation-failed`. */
  async offer(actor: Actor, device: string, { drained, window }: Offer): Promise<string> {
    const violations = window ? windowViolations(window) : []
    if (violations.length > 0) throw new Problem('validation-failed', 'The window is not one.', { violations })
    const detail = { ...(drained !== undefined && { drained }), ...(window !== undefined && { window }) }
    try {
      return await this.database.transaction(async (transaction) => {
        const { id } = await locked(transaction, device)
        const times = [window?.from ?? null, window?.until ?? null, window?.zone ?? 'UTC']
        const noted = JSON.stringify({ by: actor.userId, ...detail })
        await transaction.query(OFFER, [id, drained ?? null, window !== undefined, ...times, noted])
        await audit(transaction, { actor, action: 'device.offer', object: id, outcome: 'ok', detail })
        return id
      })
    } catch (error) {
      if (sqlState(error) !== INVALID_PARAMETER) throw error
      const violation = violationOf(
        'window/zone',
        window?.zone ?? '',
        'There is no such time zone.',
        'Use a name as Europe/Berlin.',
      )
      throw new Problem('validation-failed', 'The window is not one.', { violations: [violation], cause: error })
    }
  }

  /** Newest first. `before`: a seq, or 0. */
  async changes(
    device: string,
    { before, limit }: { readonly before: number; readonly limit: number },
  ): Promise<DeviceChange[]> {
    const rows = await this.database.query<ChangeRow>(CHANGES, [
      device,
      before,
      Math.min(limit || CHANGES_LIMIT.default, CHANGES_LIMIT.max),
    ])
    return rows.map(({ seq, at, change, detail }) => ({
      seq,
      atMs: at.getTime(),
      change,
      detailJson: JSON.stringify(detail),
    }))
  }
}

async function locked(transaction: Transaction, device: string): Promise<LockedDevice> {
  const [found] = device.includes('\0') ? [] : await transaction.query<LockedDevice>(LOCK, [device])
  if (!found) throw new Problem('not-found', `There is no device ${device.slice(0, 80)}.`)
  return found
}

function pinnedNow({ description, host, port, also_at: alsoAt }: LockedDevice) {
  const told = descriptionFromProto(DeviceDescriptionMessage.decode(description))
  return { pinned: pinOf({ description: told, alsoAt }), endpoint: `${host}:${port}` }
}

function verdictOf({ verdict, reason }: { readonly verdict: string; readonly reason: string }): Verdict {
  const known = VERDICTS.find((word) => word === verdict)
  const violations = []
  if (!known)
    violations.push(violationOf('verdict', verdict, 'There is no such verdict.', `Use ${VERDICTS.join(', ')}.`))
  if (reason.length > REASON_MAX || reason.includes('\0'))
    violations.push(violationOf('reason', reason, 'This is no reason.', `Use at most ${REASON_MAX} characters.`))
  if (!known || violations.length > 0)
    throw new Problem('validation-failed', 'The device cannot be judged so.', { violations })
  return known
}

function windowViolations({ from, until, zone }: DeviceWindow): Violation[] {
  const violations: Violation[] = []
  for (const [field, text] of Object.entries({ from, until }))
    if (!TIME.test(text))
      violations.push(violationOf(`window/${field}`, text, 'This is no time of day.', 'Use HH:MM, as 08:00.'))
  if (from === until && violations.length === 0)
    violations.push(
      violationOf('window/until', until, 'The window is empty.', 'Use two different times, or no window.'),
    )
  if (!ZONE.test(zone))
    violations.push(violationOf('window/zone', zone, 'There is no such time zone.', 'Use a name as Europe/Berlin.'))
  return violations
}

function violationOf(pointer: string, value: string, message: string, remedy: string): Violation {
  return { pointer: `/${pointer}`, value: value.slice(0, 80), message, remedy }
}
