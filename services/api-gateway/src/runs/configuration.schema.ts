/** The shape of a configuration brought ready-made. Whether a device can carry it is the domain's question (`violationsOf`). */
import type { Configuration } from '@lucihub/analog'
import { z } from 'zod'

const index = z.int().min(0).max(65_535)
const name = z.string().max(64)

const LaneSchema = z.strictObject({
  lane: index.describe('0 to 31'),
  source: index.nullable().describe('M-block output (clane) the U block connects; null for an open lane'),
  coefficient: z.number().describe('C block factor, -1 to 1'),
  upscaled: z.boolean().describe('I block gain x8'),
  sinks: z.array(index).max(16).describe('M-block inputs it is summed into'),
})

const MBlockSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('MINT'),
    integrators: z
      .array(
        z.strictObject({
          element: index,
          ic: z.number().describe('-1 to 1; the output starts at -ic'),
          k0: z.union([z.literal(100), z.literal(10_000)]).describe('Integration rate, 1/s'),
          limiter: z.boolean(),
        }),
      )
      .max(8),
  }),
  z.strictObject({ kind: z.literal('MMUL') }),
  z.strictObject({
    kind: z.literal('MDR'),
    operations: z.array(z.enum(['MULTIPLY', 'SQUARE', 'DIVIDE', 'SQRT', 'IDENT'])).max(8),
  }),
])

const ClusterSchema = z.strictObject({
  index,
  constant: z.union([z.literal(1), z.literal(-1), z.literal(0.1), z.literal(-0.1)]).nullable(),
  lanes: z.array(LaneSchema).max(32),
  slots: z.tuple([MBlockSchema.nullable(), MBlockSchema.nullable()]),
})

const lane = index.describe('8 to 31')
const sector = z.union([index, z.literal('backplane')]).describe('A cluster of the carrier, or the backplane')
const place = index.describe("A carrier's place in the stack, 0 to 6")

const CarrierSchema = z.strictObject({
  carrier: z
    .string()
    .regex(/^[0-9A-F]{2}(-[0-9A-F]{2}){5}$/, 'It is not a MAC address such as 04-E9-E5-15-87-A0.')
    .describe('MAC address; 00-00-00-00-00-00 for any'),
  clusters: z.array(ClusterSchema).max(16),
  adc: z
    .array(
      z.strictObject({
        output: index.describe('cluster * 16 + clane'),
        gain: z.number().describe('physical = machine * gain + offset'),
        offset: z.number(),
        probe: index,
      }),
    )
    .max(64),
  hops: z
    .array(z.strictObject({ lane, from: sector, to: sector }))
    .max(96)
    .exactOptional()
    .describe('T block: lanes that leave their cluster'),
  backplane: z
    .array(z.strictObject({ lane, from: place, to: place }))
    .max(216)
    .exactOptional()
    .describe("Lanes that change carrier; on the carrier that holds the backplane's switches"),
  inputs: z
    .array(
      z.strictObject({ port: index.describe('0 to 7'), name, gain: z.number().describe('physical = machine * gain') }),
    )
    .max(8)
    .exactOptional()
    .describe('Ports of the front panel that take a signal in'),
})

export const ConfigurationSchema: z.ZodType<Configuration> = z
  .strictObject({
    carriers: z.array(CarrierSchema).min(1).max(64),
    probes: z.array(z.strictObject({ label: name, unit: name })).max(64),
    problemTimePerSecond: z.number().min(0).describe('Problem time units per second of op time; 0 when unknown'),
  })
  .meta({ id: 'Configuration', description: 'All block settings of a device, lane by lane' })
