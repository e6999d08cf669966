/** The statements about devices: what scanners see, what is bound and leased, how long its queue is. */
import { Injectable } from '@nestjs/common'
import { Problem, specificationOf, type DeviceClass, type DeviceSpecification } from '@lucihub/analog'
import {
  descriptionFromProto,
  deviceClass,
  DeviceDescriptionMessage,
  type ActiveDevice,
  type ActiveDeviceList,
  type Actor,
  type Device,
} from '@lucihub/contracts'
import { Database, type Statement } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { checkSchema } from '../schema-check.ts'
import type { NamedDevice } from '../runs/submission.ts'

export const DEVICE_COLUMNS =
  'd.id, d.name, d.device_class, d.host AS address, d.port, d.description, d.description_hash'

export interface DeviceRow {
  readonly id: string
  readonly name: string
  readonly device_class: DeviceClass
  readonly address: string
  readonly port: number
  readonly description: Buffer
  readonly description_hash: string
}

interface ShownDevice extends DeviceRow {
  readonly active: boolean
  readonly first_seen: Date
  readonly last_seen: Date
  readonly executor_host: string | null
  readonly leased: boolean
  readonly queue_length: number
  readonly parameter_schema: string | null
}

/** An id names one device for ever; of several that had a name in turn, the active or latest is meant. */
const NAMED = `(d.id = $1 OR d.name = $1) ORDER BY d.id = $1 DESC, d.active DESC, d.last_seen DESC LIMIT 1`

const BY_NAME: Statement = { name: 'device-by-name', text: `SELECT ${DEVICE_COLUMNS} FROM device d WHERE ${NAMED}` }
const BY_CLASS: Statement = {
  name: 'device-by-class',
  text: `SELECT ${DEVICE_COLUMNS} FROM device d WHERE d.device_class = $1 ORDER BY d.active DESC, d.last_seen DESC LIMIT 1`,
}

const SHOWN = `SELECT ${DEVICE_COLUMNS}, d.parameter_schema::text AS parameter_schema, d.active, d.first_seen, d.last_seen, d.executor_host,
    coalesce(l.expires > now(), false) AS leased,
    (SELECT count(*) FROM run r WHERE r.target IN (d.id, 'class:' || d.device_class) AND r.state = 'QUEUED' AND r.live_attempt IS NULL) AS queue_length
  FROM device d LEFT JOIN device_lease l ON l.device_id = d.id`
const SHOW_ALL: Statement = { name: 'list-devices', text: `${SHOWN} WHERE d.active OR NOT $1 ORDER BY d.name, d.id` }
const SHOW_ONE: Statement = { name: 'show-device', text: `${SHOWN} WHERE ${NAMED}` }

const SET_SCHEMA: Statement = {
  name: 'device-set-schema',
  text: 'UPDATE device SET parameter_schema = $2 WHERE id = $1',
}

/** False for a list that a later one of the same scanner boot has replaced. */
const TAKE_LIST: Statement = {
  name: 'device-list',
  text: `INSERT INTO device_list AS l (scanner, boot_id, sequence, received_at) VALUES ($1, $2, $3, now())
    ON CONFLICT (scanner) DO UPDATE SET boot_id = $2, sequence = $3, received_at = now()
    WHERE l.boot_id <> $2 OR l.sequence < $3 RETURNING 1`,
}

/** Changes are noted before the rows take them: every part of one statement sees the rows as they were. */
const UPSERT: Statement = {
  name: 'device-upsert',
  text: `WITH seen AS (
      SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::bytea[], $8::text[])
        AS s (id, name, device_class, host, port, description, description_hash)),
    changed AS (
      SELECT s.id, CASE WHEN d.id IS NULL THEN 'appeared' WHEN NOT d.active THEN 'returned' ELSE 'changed' END AS change,
        jsonb_build_object('name', s.name, 'deviceClass', s.device_class, 'host', s.host, 'port', s.port, 'descriptionHash', s.description_hash) AS detail
      FROM seen s LEFT JOIN device d ON d.id = s.id
      WHERE d.id IS NULL OR NOT d.active
        OR (d.name, d.device_class, d.host, d.port, d.description_hash) IS DISTINCT FROM (s.name, s.device_class, s.host, s.port, s.description_hash)),
    kept AS (
      INSERT INTO device AS d (id, name, device_class, host, port, description, description_hash, scanner, active)
      SELECT id, name, device_class, host, port, description, description_hash, $1, true FROM seen ORDER BY id
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, device_class = excluded.device_class, host = excluded.host, port = excluded.port,
        description = excluded.description, description_hash = excluded.description_hash, scanner = $1, active = true, last_seen = now()
      RETURNING d.id)
    INSERT INTO device_change (device_id, change, detail) SELECT c.id, c.change, c.detail FROM changed c JOIN kept USING (id)`,
}
const GONE: Statement = {
  name: 'device-gone',
  text: `WITH gone AS (UPDATE device SET active = false WHERE scanner = $1 AND active AND id <> ALL ($2::text[]) RETURNING id)
    INSERT INTO device_change (device_id, change) SELECT id, 'gone' FROM gone`,
}

@Injectable()
export class DeviceRepository {
  constructor(private readonly database: Database) {}

  /** By id or name; null when there is none, or the text is empty. */
  async named(text: string): Promise<NamedDevice | null> {
    if (text === '' || text.includes('\0')) return null
    const [row] = await this.database.query<DeviceRow>(BY_NAME, [text])
    return row ? { id: row.id, deviceClass: row.device_class, specification: specification(row) } : null
  }

  /** Some device of a class, preferably one that is there. */
  async exampleOf(wanted: DeviceClass): Promise<DeviceSpecification | null> {
    const [row] = await this.database.query<DeviceRow>(BY_CLASS, [wanted])
    return row ? specification(row) : null
  }

  async list({ activeOnly }: { readonly activeOnly: boolean }): Promise<Device[]> {
    return (await this.database.query<ShownDevice>(SHOW_ALL, [activeOnly])).map(deviceToProto)
  }

  /** Null when there is none. */
  async show(text: string): Promise<Device | null> {
    const [row] = text.includes('\0') ? [] : await this.database.query<ShownDevice>(SHOW_ONE, [text])
    return row ? deviceToProto(row) : null
  }

  /** What the parameters of runs on it must be like from now on; empty: anything. Problems: `not-found`, `validation-failed`. */
  async setParameterSchema(actor: Actor, text: string, schema: string): Promise<void> {
    const device = await this.named(text)
    if (!device) throw new Problem('not-found', `There is no device ${text.slice(0, 80)}.`)
    if (schema !== '') checkSchema(schema, '/parameterSchema')
    await this.database.transaction(async (transaction) => {
      await transaction.query(SET_SCHEMA, [device.id, schema || null])
      await audit(transaction, { actor, action: 'device.schema', object: device.id, outcome: 'ok' })
    })
  }

  /** Takes over what one scanner sees now. False when a later list was here first. */
  replace(scanner: string, { scannerBootId, sequence, devices }: ActiveDeviceList): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      if ((await transaction.query(TAKE_LIST, [scanner, scannerBootId, sequence])).length === 0) return false
      const columns = [
        devices.map((device) => device.id),
        devices.map((device) => device.name),
        devices.map((device) => deviceClass.fromProto(device.deviceClass)),
        devices.map((device) => device.host),
        devices.map((device) => device.port),
        devices.map((device) => Buffer.from(DeviceDescriptionMessage.encode(device.description ?? { carriers: [] }))),
        devices.map((device) => device.descriptionHash),
      ]
      if (devices.length > 0) await transaction.query(UPSERT, [scanner, ...columns])
      await transaction.query(GONE, [scanner, columns[0]])
      return true
    })
  }
}

export function activeDeviceToProto(row: DeviceRow): ActiveDevice {
  return {
    id: row.id,
    name: row.name,
    deviceClass: deviceClass.toProto(row.device_class),
    host: row.address,
    port: row.port,
    description: DeviceDescriptionMessage.decode(row.description),
    descriptionHash: row.description_hash,
  }
}

function deviceToProto(row: ShownDevice): Device {
  return {
    device: activeDeviceToProto(row),
    active: row.active,
    firstSeenMs: row.first_seen.getTime(),
    lastSeenMs: row.last_seen.getTime(),
    executorHost: row.executor_host ?? '',
    leased: row.leased,
    queueLength: row.queue_length,
    ...(row.parameter_schema !== null && { parameterSchemaJson: row.parameter_schema }),
  }
}

function specification(row: DeviceRow): DeviceSpecification {
  return specificationOf(descriptionFromProto(DeviceDescriptionMessage.decode(row.description)))
}
