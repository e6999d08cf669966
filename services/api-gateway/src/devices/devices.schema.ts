import { DEVICE_CLASSES, ENTITY_CLASSES, type Entity } from '@lucihub/analog'
import { z } from 'zod'
import { JsonSchemaSchema } from '../projects/data.schema.ts'

const instant = z.iso.datetime().describe('ISO 8601, UTC')

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
