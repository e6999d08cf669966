/** The statements about devices: what scanners see, what is bound and leased, how long its queue is. */
import { Injectable, Logger } from '@nestjs/common'
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
import { OFFERED } from './offered.ts'
import { takeList } from './seen-list.ts'

export const DEVICE_COLUMNS = `d.id, d.name, d.device_class, d.host AS address, d.port, d.description, d.description_hash, d.source, d.approval = 'approved' AS trusted,
  d.generation, d.firmware, d.stack, d.carrier, d.also_at`

export interface DeviceRow {
  readonly id: string
  readonly name: string
  readonly device_class: DeviceClass
  readonly address: string
  readonly port: number
  readonly description: Buffer
  readonly description_hash: string
  readonly source: string
  readonly trusted: boolean
  readonly generation: string
  readonly firmware: string
  readonly stack: number | null
  readonly carrier: number | null
  readonly also_at: readonly string[]
}

interface ShownDevice extends DeviceRow {
  readonly active: boolean
  readonly first_seen: Date
  readonly last_seen: Date
  readonly executor_host: string | null
  readonly leased: boolean
  readonly queue_length: number
  readonly parameter_schema: string | null
  readonly approval: string
  readonly approval_reason: string
  readonly approval_since: Date
  readonly drained: boolean
  readonly offered: boolean
  readonly offered_from: string | null
  readonly offered_until: string | null
  readonly offered_zone: string
}

/**
 * An id names one device for ever; of several that had a name in turn, the active or latest is meant, and a candidate
 * cannot take the name of a device that was let in.
 */
export const NAMED = `(d.id = $1 OR d.name = $1) ORDER BY d.id = $1 DESC, d.approval <> 'candidate' DESC, d.active DESC, d.last_seen DESC LIMIT 1`

const BY_NAME: Statement = { name: 'device-by-name', text: `SELECT ${DEVICE_COLUMNS} FROM device d WHERE ${NAMED}` }
const BY_CLASS: Statement = {
  name: 'device-by-class',
  text: `SELECT ${DEVICE_COLUMNS} FROM device d WHERE d.device_class = $1 ORDER BY d.approval = 'approved' DESC, d.active DESC, d.last_seen DESC LIMIT 1`,
}

const SHOWN = `SELECT ${DEVICE_COLUMNS}, d.parameter_schema::text AS parameter_schema, d.active, d.first_seen, d.last_seen, d.executor_host,
    coalesce(l.expires > now(), false) AS leased, d.approval, d.approval_reason, d.approval_since, d.drained,
    d.active AND d.approval = 'approved' AND ${OFFERED} AS offered,
    to_char(d.offered_from, 'HH24:MI') AS offered_from, to_char(d.offered_until, 'HH24:MI') AS offered_until, d.offered_zone,
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

@Injectable()
export class DeviceRepository {
  private readonly log = new Logger('Devices')

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
      for (const { id, reason } of await takeList(transaction, scanner, devices))
        this.log.warn(`The device ${id} is quarantined. ${reason}`)
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
    sighting: {
      source: row.source,
      trusted: row.trusted,
      generation: row.generation,
      firmware: row.firmware,
      location: row.stack === null || row.carrier === null ? null : { stack: row.stack, carrier: row.carrier },
      alsoAt: row.also_at,
    },
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
    standing: {
      approval: row.approval,
      reason: row.approval_reason,
      sinceMs: row.approval_since.getTime(),
      drained: row.drained,
      offered: row.offered,
      window:
        row.offered_from === null || row.offered_until === null
          ? null
          : { from: row.offered_from, until: row.offered_until, zone: row.offered_zone },
    },
  }
}

function specification(row: DeviceRow): DeviceSpecification {
  return specificationOf(descriptionFromProto(DeviceDescriptionMessage.decode(row.description)))
}
