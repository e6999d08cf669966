import type { ElementUse, Violation } from '@lucihub/analog'
import { CIRCUIT_FORMATS } from '@lucihub/device/files'
import { z } from 'zod'
import { ConfigurationSchema } from '../runs/configuration.schema.ts'
import { DeviceReference } from '../runs/runs.schema.ts'

export const InspectionQuerySchema = z.strictObject({
  device: DeviceReference.optional().describe(
    'Device id or name to check against; left out: the device that the file describes, or the smallest standard one that fits',
  ),
})
export type InspectionQuery = z.output<typeof InspectionQuerySchema>

const ViolationSchema: z.ZodType<Violation> = z.object({
  pointer: z
    .string()
    .describe('JSON pointer: below `/configuration` into the configuration of this answer, else into what was sent'),
  value: z.string(),
  message: z.string(),
  remedy: z.string(),
})
const ElementUseSchema: z.ZodType<ElementUse> = z.object({ kind: z.string(), used: z.int(), available: z.int() })

export const InspectionSchema = z
  .object({
    format: z
      .enum(['configuration', ...CIRCUIT_FORMATS])
      .describe('What was recognised: our JSON, `.apb`, circuit JSON of one carrier, or carrier JSON by MAC address'),
    deviceId: z.string().nullable().describe('The device it was checked against; null when none was named'),
    configuration: ConfigurationSchema.nullable().describe('Null when it cannot be read'),
    violations: z.array(ViolationSchema).describe('Everything that is wrong; empty when the device can carry it'),
    equations: z.string().nullable().describe('The circuit as an analang program; null with violations'),
    remarks: z.array(z.string()).describe('What the equations say in another way than the circuit, or not at all'),
    elements: z.array(ElementUseSchema).describe('Use of the device; empty with violations'),
  })
  .meta({ id: 'Inspection', description: 'A circuit, as the hub understands it' })
export type InspectionResource = z.output<typeof InspectionSchema>
