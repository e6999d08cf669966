import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common'
import { Problem, invariant } from '@lucihub/analog'
import { z } from 'zod'
import { parseWith } from './violations.ts'

/** Checks every parameter that names a schema, `@Body({ schema })`, and hands the handler what the schema made of it. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, { schema, type }: ArgumentMetadata): unknown {
    if (schema === undefined) return value
    invariant(schema instanceof z.ZodType, 'our schemas are made with zod')
    if (value instanceof Uint8Array)
      throw new Problem('unsupported-media-type', 'This route takes application/json, not bytes.')
    // Fastify's query object has no prototype, and zod takes only plain objects as records.
    return parseWith(schema, type === 'query' ? { ...(value as object) } : value)
  }
}
