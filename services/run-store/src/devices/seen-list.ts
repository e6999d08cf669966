/**
 * Takes over what one scanner sees now, in one transaction: every device is judged (see identity.ts) under its row's
 * lock, what changed is noted, and devices that the list does not have any more are gone.
 */
import { descriptionFromProto, deviceClass, DeviceDescriptionMessage, type ActiveDevice } from '@lucihub/contracts'
import type { Statement, Transaction } from '../database/database.ts'
import { judge, type Approval, type Judgement, type Known, type Pinned, type Seen } from './identity.ts'

/** How long a scanner's list counts as its present view, ms; lists come every 5 s. */
const LIST_FRESH_MS = 15_000

const KNOWN: Statement = {
  name: 'device-known',
  text: `SELECT d.id, d.approval, d.pinned, d.pinned_at,
      CASE WHEN d.active AND d.scanner <> $2 AND l.received_at > now() - $3 * interval '1 ms' THEN d.host || ':' || d.port ELSE '' END AS elsewhere
    FROM device d LEFT JOIN device_list l ON l.scanner = d.scanner
    WHERE d.id = ANY ($1) ORDER BY d.id FOR NO KEY UPDATE OF d`,
}
const HOLDERS: Statement = {
  name: 'device-holders',
  text: `SELECT id, pinned_at FROM device WHERE pinned_at = ANY ($1) AND approval = 'approved' ORDER BY last_seen`,
}
/** Changes are noted before the rows take them: every part of one statement sees the rows as they were. */
const UPSERT: Statement = {
  name: 'device-upsert',
  text: `WITH seen AS (
      SELECT * FROM jsonb_to_recordset($2) AS s (id text, name text, device_class text, host text, port int, description text,
        description_hash text, source text, generation text, firmware text, stack int, carrier int, also_at text[],
        approval text, reason text, pinned jsonb, pinned_at text)),
    facts AS (
      SELECT s.id, d.id IS NULL AS fresh, d.active, d.approval AS was, s.approval, s.reason,
        jsonb_build_object('name', s.name, 'deviceClass', s.device_class, 'host', s.host, 'port', s.port, 'descriptionHash', s.description_hash,
          'source', s.source, 'generation', s.generation, 'firmware', s.firmware) AS now,
        jsonb_build_object('name', d.name, 'deviceClass', d.device_class, 'host', d.host, 'port', d.port, 'descriptionHash', d.description_hash,
          'source', d.source, 'generation', d.generation, 'firmware', d.firmware) AS before
      FROM seen s LEFT JOIN device d ON d.id = s.id),
    changed AS (
      SELECT id, CASE WHEN fresh THEN 'appeared' WHEN NOT active THEN 'returned' ELSE 'changed' END AS change, 1 AS place,
        CASE WHEN fresh THEN now || jsonb_build_object('approval', approval)
          ELSE now || jsonb_build_object('before', (SELECT coalesce(jsonb_object_agg(b.key, b.value), '{}') FROM jsonb_each(before) b
            WHERE b.value IS DISTINCT FROM now -> b.key)) END AS detail
      FROM facts WHERE fresh OR NOT active OR now <> before
      UNION ALL
      SELECT id, approval, 2, jsonb_build_object('reason', reason) FROM facts WHERE reason <> '' AND approval IS DISTINCT FROM was),
    kept AS (
      INSERT INTO device AS d (id, name, device_class, host, port, description, description_hash, source, generation, firmware, stack, carrier,
        also_at, approval, approval_reason, pinned, pinned_at, scanner, active)
      SELECT id, name, device_class, host, port, decode(description, 'base64'), description_hash, source, generation, firmware, stack, carrier,
        also_at, approval, reason, pinned, pinned_at, $1, true FROM seen ORDER BY id
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, device_class = excluded.device_class, host = excluded.host, port = excluded.port,
        description = excluded.description, description_hash = excluded.description_hash, source = excluded.source,
        generation = excluded.generation, firmware = excluded.firmware, stack = excluded.stack, carrier = excluded.carrier,
        also_at = excluded.also_at, pinned = excluded.pinned, pinned_at = excluded.pinned_at, approval = excluded.approval,
        approval_reason = CASE WHEN d.approval = excluded.approval THEN d.approval_reason ELSE excluded.approval_reason END,
        approval_since = CASE WHEN d.approval = excluded.approval THEN d.approval_since ELSE now() END,
        scanner = $1, active = true, last_seen = now()
      RETURNING d.id)
    INSERT INTO device_change (device_id, change, detail)
    SELECT c.id, c.change, c.detail FROM changed c JOIN kept USING (id) ORDER BY c.id, c.place`,
}
const GONE: Statement = {
  name: 'device-gone',
  text: `WITH gone AS (UPDATE device SET active = false WHERE scanner = $1 AND active AND id <> ALL ($2::text[]) RETURNING id)
    INSERT INTO device_change (device_id, change) SELECT id, 'gone' FROM gone`,
}

interface KnownRow {
  readonly id: string
  readonly approval: Approval
  /** `{}` when nothing is pinned yet. */
  readonly pinned: Partial<Pinned>
  readonly pinned_at: string
  readonly elsewhere: string
}

/** Resolves with the devices that this list has put into quarantine, and why. */
export async function takeList(
  transaction: Transaction,
  scanner: string,
  devices: readonly ActiveDevice[],
): Promise<readonly { readonly id: string; readonly reason: string }[]> {
  const seen = devices.map(seenOf)
  const known = await knownDevices(transaction, { scanner, seen })
  const holders = await holdersOf(transaction, seen)
  const judged = seen.map((one) => ({ id: one.id, ...judge(one, known.get(one.id) ?? null, holders(one)) }))
  if (devices.length > 0) {
    const rows = devices.map((device, index) => rowOf(device, judged[index]))
    await transaction.query(UPSERT, [scanner, JSON.stringify(rows)])
  }
  await transaction.query(GONE, [scanner, devices.map(({ id }) => id)])
  return judged.filter(({ approval, reason }) => approval === 'quarantined' && reason !== '')
}

function seenOf({ id, host, port, description, sighting }: ActiveDevice): Seen {
  return {
    id,
    endpoint: `${host}:${port}`,
    description: descriptionFromProto(description ?? { carriers: [] }),
    alsoAt: sighting?.alsoAt ?? [],
    source: sighting?.source ?? '',
    trusted: sighting?.trusted ?? true,
    traced: sighting !== null && sighting !== undefined,
  }
}

async function knownDevices(
  transaction: Transaction,
  { scanner, seen }: { readonly scanner: string; readonly seen: readonly Seen[] },
): Promise<ReadonlyMap<string, Known>> {
  const rows = await transaction.query<KnownRow>(KNOWN, [seen.map(({ id }) => id), scanner, LIST_FRESH_MS])
  const endpoints = new Map(seen.map(({ id, endpoint }) => [id, endpoint]))
  return new Map(
    rows.map(({ id, approval, pinned, pinned_at: pinnedAt, elsewhere }) => [
      id,
      {
        approval,
        pinned: isPinned(pinned) ? pinned : null,
        pinnedAt,
        elsewhere: elsewhere === endpoints.get(id) ? '' : elsewhere,
      },
    ]),
  )
}

function isPinned(pinned: Partial<Pinned>): pinned is Pinned {
  return pinned.hardware !== undefined
}

/** Gives the other device that is trusted where one is seen; one that is itself seen elsewhere now has moved. */
async function holdersOf(transaction: Transaction, seen: readonly Seen[]): Promise<(one: Seen) => string> {
  const rows = await transaction.query<{ readonly id: string; readonly pinned_at: string }>(HOLDERS, [
    seen.map(({ endpoint }) => endpoint),
  ])
  const here = new Set(seen.map(({ id }) => id))
  const away = rows.filter(({ id }) => !here.has(id))
  const own = new Set(rows.map(({ id, pinned_at: endpoint }) => `${id} ${endpoint}`))
  return ({ id, endpoint }) =>
    // A device that was trusted here itself has its place from an operator.
    own.has(`${id} ${endpoint}`) ? '' : (away.find(({ pinned_at: held }) => held === endpoint)?.id ?? '')
}

function rowOf(device: ActiveDevice, judgement: Judgement | undefined): Readonly<Record<string, unknown>> {
  const { sighting } = device
  return {
    id: device.id,
    name: device.name,
    device_class: deviceClass.fromProto(device.deviceClass),
    host: device.host,
    port: device.port,
    description: Buffer.from(DeviceDescriptionMessage.encode(device.description ?? { carriers: [] })).toString(
      'base64',
    ),
    description_hash: device.descriptionHash,
    source: sighting?.source ?? '',
    generation: sighting?.generation ?? '',
    firmware: sighting?.firmware ?? '',
    stack: sighting?.location?.stack ?? null,
    carrier: sighting?.location?.carrier ?? null,
    also_at: sighting?.alsoAt ?? [],
    approval: judgement?.approval,
    reason: judgement?.reason,
    pinned: judgement?.pinned,
    pinned_at: judgement?.pinnedAt,
  }
}
