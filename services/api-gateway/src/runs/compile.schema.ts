import { z } from 'zod'
import { ConfigurationSchema } from './configuration.schema.ts'
import { CompileReportSchema, DiagnosticSchema } from './diagnostic.schema.ts'
import { DeviceReference, K0, OpTime, Source } from './runs.schema.ts'

export const CompileSubmissionSchema = z
  .strictObject({
    source: Source,
    device: DeviceReference.optional().describe(
      'Device id or name; left out: the smallest standard machine that fits, LUCIDAC, mREDAC or REDAC',
    ),
    opTimeNs: OpTime.describe('The length that the scaling has to hold for, ns of op time'),
    k0: K0.optional(),
  })
  .meta({ id: 'CompileSubmission', description: 'What to compile' })
export type CompileSubmission = z.output<typeof CompileSubmissionSchema>

export const CompileSchema = z
  .object({
    compiles: z.boolean(),
    diagnostics: z.array(DiagnosticSchema),
    configuration: ConfigurationSchema.nullable().describe('Null when the program does not compile'),
    report: CompileReportSchema.nullable().describe('Null when the program does not compile'),
  })
  .meta({ id: 'Compilation', description: 'The outcome of a dry run' })
