import { DEVICE_CLASSES, ENTITY_CLASSES, type Entity } from '@lucihub/analog'
import { z } from 'zod'
import { JsonSchemaSchema } from '../projects/data.schema.ts'

const instant = z.iso.datetime().describe('ISO 8601, UTC')

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/)

export const DeviceWindowSchema = z
  .strictObject({
    from: clock.describe('Included').meta({ example: '08:00' }),
    until: clock.describe('Excluded; over midnight when earlier than `from`').meta({ example: '18:00' }),
    zone: z.string().max(64).describe('IANA name of the time zone').meta({ example: 'Europe/Berlin' }),
  })
  .meta({ id: 'DeviceWindow', description: 'When a device is offered, every day' })

export const DeviceSchema = z
  .object({
    id: z.string().describe('MAC address of its first carrier').meta({ example: '04-E9-E5-15-87-A0' }),
    name: z.string().describe('Unique in the hub'),
    deviceClass: z.enum(DEVICE_CLASSES),
    active: z.boolean().describe('True while the scanner sees it'),
    leased: z.boolean().describe('True while an executor holds it'),
    executorHost: z.string().nullable().describe('The hardware host that drives it'),
    queueLength: z.int().describe('Runs that wait for this device or for any of its class'),
    firstSeenAt: instant,
    lastSeenAt: instant,
    descriptionHash: z.string().describe('sha256 of its self-description, hex'),
    inputKinds: z.array(z.string()).describe('What a run on it is made from'),
    parameterSchema: JsonSchemaSchema.nullable().describe(
      'What the parameters of a run on it must be like; null: anything',
    ),
    approval: z
      .enum(['candidate', 'approved', 'quarantined'])
      .describe('A candidate waits for an operator; a quarantined device has shown another identity. Both get no runs'),
    approvalReason: z.string(),
    approvalSince: instant,
    offered: z.boolean().describe('True when it may be given runs at this moment'),
    drained: z.boolean().describe('True: it finishes what it does and gets nothing new'),
    window: DeviceWindowSchema.nullable().describe('When it is offered; null: always'),
    source: z.string().describe('Who names it: list, static, mdns or subnet'),
    generation: z.string().describe('protobuf or json-lines'),
    firmware: z.string().describe('What the device says about it'),
    alsoAt: z.array(z.string()).describe('Other endpoints that answer with the same MAC address'),
  })
  .meta({ id: 'Device', description: 'An analog computer or a simulator' })
export type DeviceResource = z.output<typeof DeviceSchema>

export const DeviceChangeSchema = z
  .strictObject({ parameterSchema: JsonSchemaSchema.nullable() })
  .meta({ id: 'DeviceChange', description: 'What an operator says about a device' })
export type DeviceChange = z.output<typeof DeviceChangeSchema>

export const DeviceListSchema = z
  .object({ devices: z.array(DeviceSchema) })
  .meta({ id: 'DeviceList', description: 'Devices by name' })

export const DeviceFilterSchema = z.strictObject({
  active: z.enum(['true', 'false']).optional().describe('`true`: only devices that the scanner sees now'),
})
export type DeviceFilter = z.output<typeof DeviceFilterSchema>

export const EntitySchema: z.ZodType<Entity> = z
  .object({
    id: z.string().describe('Name within the parent').meta({ example: 'M0' }),
    class: z.enum(ENTITY_CLASSES),
    type: z.int(),
    variant: z.int(),
    version: z.object({ major: z.int(), minor: z.int(), patch: z.int() }).nullable(),
    eui: z.string(),
    location: z.object({ stack: z.int(), carrier: z.int() }).nullable(),
    get children(): z.ZodArray<z.ZodType<Entity>> {
      return z.array(EntitySchema)
    },
  })
  .meta({ id: 'Entity', description: 'One part of a device and the parts inside it' })

export const DeviceDescriptionSchema = z
  .object({ carriers: z.array(EntitySchema) })
  .meta({ id: 'DeviceDescription', description: 'What a device says it is' })

export const JudgementSchema = z
  .strictObject({
    verdict: z.enum(['approve', 'quarantine', 'release']),
    reason: z.string().max(500).default('').describe('For the history and the audit'),
  })
  .meta({ id: 'DeviceJudgement', description: "An operator's decision about a device" })
export type Judgement = z.output<typeof JudgementSchema>

export const OfferSchema = z
  .strictObject({ drained: z.boolean().optional(), window: DeviceWindowSchema.nullable().optional() })
  .meta({ id: 'DeviceOffer', description: 'What is left out stays as it is' })
export type Offer = z.output<typeof OfferSchema>

export const HistoryFilterSchema = z.strictObject({
  before: z.coerce.number().int().min(1).optional().describe('Changes before this one'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})
export type HistoryFilter = z.output<typeof HistoryFilterSchema>

export const DeviceHistorySchema = z
  .object({
    changes: z.array(
      z.object({
        seq: z.int(),
        at: instant,
        change: z
          .string()
          .describe('appeared, returned, changed, gone, bound, approved, quarantined, released, offered'),
        detail: z.record(z.string(), z.unknown()),
      }),
    ),
  })
  .meta({ id: 'DeviceHistory', description: 'What became of a device, newest first' })
