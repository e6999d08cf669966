/** The input of a run: what was sent, and what the hub made from it for each shard. */
import { invariant } from '@lucihub/analog'
import { configurationFromProto, type RunMessage, type Shard } from '@lucihub/contracts'
import { z } from 'zod'
import { ConfigurationSchema } from './configuration.schema.ts'
import { jsonObject } from './run-resource.ts'

export const RunInputSchema = z
  .object({
    inputKind: z.string(),
    input: z.record(z.string(), z.unknown()).describe('Exactly as it was sent'),
    parameters: z.record(z.string(), z.unknown()),
    requestedWork: z.int().describe('Total over all shards; 0 when unknown'),
    workUnit: z.string(),
    configuration: ConfigurationSchema.nullable().describe('Of a program: what it was compiled to'),
    files: z
      .record(z.string(), z.string())
      .describe(
        'By name `shard-<index>/<file>`: the share of each shard, and the files of the input with ${…} filled in',
      ),
  })
  .meta({ id: 'RunInput', description: 'What a run was made from' })

export function inputOf(run: RunMessage): z.output<typeof RunInputSchema> {
  const { spec } = run
  invariant(spec, 'a run has a specification')
  const configuration = spec.configuration ? configurationFromProto(spec.configuration) : null
  const worker = run.engine === 'worker'
  const input = worker ? jsonObject(run.inputJson) : spec.source ? { source: spec.source } : { configuration }
  return {
    inputKind: run.inputKind,
    input,
    parameters: jsonObject(run.parametersJson),
    requestedWork: run.requestedWork,
    workUnit: spec.split?.workUnit || 'samples',
    configuration: worker ? null : configuration,
    files: Object.assign({}, ...run.shards.map((shard) => filesOf(shard, run, input))) as Record<string, string>,
  }
}

/** `work.json` says what the shard's share is; `${shard}`, `${shards}`, `${requested}` and `${seed}` in files are it. */
function filesOf({ index, requested, seed }: Shard, run: RunMessage, input: object): Record<string, string> {
  const share = { shard: index, shards: run.shardsEffective, requested, seed }
  const files = 'files' in input && typeof input.files === 'object' && input.files !== null ? input.files : {}
  const filled = Object.entries(files).flatMap(([name, text]) =>
    typeof text === 'string' ? [[`shard-${index}/${name}`, fill(text, share)] as const] : [],
  )
  return { [`shard-${index}/work.json`]: JSON.stringify(share), ...Object.fromEntries(filled) }
}

function fill(text: string, share: Readonly<Record<string, number>>): string {
  return text.replaceAll(/\$\{(shard|shards|requested|seed)\}/g, (_, name: string) => String(share[name]))
}
