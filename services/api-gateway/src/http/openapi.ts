/** The OpenAPI document: made from the zod schemas that also check the requests, so the two cannot differ. */
import { applyDecorators, type INestApplication } from '@nestjs/common'
import { ApiBearerAuth, ApiResponse, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger'
import { PROBLEMS, invariant, type ProblemType } from '@lucihub/analog'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { DiagnosticSchema } from '../runs/diagnostic.schema.ts'
import { VERSION } from '../version.ts'
import { serveDocsPage } from './docs-page.ts'

export const ProblemSchema = z
  .object({
    type: z.string().describe('`/problems/<type>`').meta({ example: '/problems/not-found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe('The path that was asked for'),
    traceId: z.string().describe("Names the request in the hub's log"),
    violations: z
      .array(
        z.object({
          pointer: z.string().describe('JSON pointer into the request'),
          value: z.string(),
          message: z.string(),
          remedy: z.string().describe('What to send instead'),
        }),
      )
      .optional(),
    diagnostics: z.array(DiagnosticSchema).optional().describe('With `compilation-failed`'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document' })

const HEADERS = {
  Location: 'Address of what was made',
  ETag: 'Names this version of the resource',
  'Lucihub-Channels': 'Indices of the channels, comma-separated, in the order of the data',
  'Lucihub-First-Index': 'Index of the first sample',
  'Lucihub-Samples': 'Samples per channel',
  'Lucihub-Sample-Rate-Hz': 'Samples per second and channel',
  'Lucihub-Encodings': 'With encoding=native: encoding of each channel',
  'Lucihub-Gains': 'With encoding=native: physical = stored * gain + offset',
  'Lucihub-Offsets': 'With encoding=native: physical = stored * gain + offset',
  'Lucihub-Bucket': 'Samples per bucket',
  'Lucihub-Buckets': 'Buckets per channel',
  'Lucihub-Data-Version': 'Counts the changes of the data',
  'Lucihub-File-Version': 'Version of the file: 1, 2, ...',
  'Content-Length': 'Bytes that follow',
  'Content-Range': 'Which bytes of how many these are',
  'Content-Disposition': 'Names the file',
} as const
export type HeaderName = keyof typeof HEADERS

interface AnswerOptions {
  readonly headers?: readonly HeaderName[]
  /** Other media types than JSON, with what they hold. */
  readonly media?: Readonly<Record<string, string>>
}

/** One good answer of a route: its schema as JSON (or null for none), other media types, headers. */
export function Answers(
  status: number,
  schema: z.ZodType | null,
  description: string,
  { headers = [], media = {} }: AnswerOptions = {},
): MethodDecorator {
  const described = Object.fromEntries(
    headers.map((name) => [name, { description: HEADERS[name], schema: { type: 'string' as const } }]),
  )
  const others = Object.entries(media).map(([type, holds]) => [
    type,
    {
      schema: {
        type: 'string' as const,
        description: holds,
        ...(type === 'application/octet-stream' && { format: 'binary' }),
      },
    },
  ])
  const json = schema && { 'application/json': { schema: referenceTo(schema) } }
  return ApiResponse({ status, description, headers: described, content: { ...json, ...Object.fromEntries(others) } })
}

/** The problems a route may answer with, beside those that every route with a key may. */
export function Problems(...types: ProblemType[]): MethodDecorator {
  const all: ProblemType[] = [
    ...types,
    'unauthenticated',
    'forbidden',
    'too-many-requests',
    'internal',
    'unavailable',
    'timeout',
  ]
  const statuses = [...new Set(all.map((type) => PROBLEMS[type].status))]
  const responses = statuses.map((status) =>
    ApiResponse({
      status,
      description: all
        .filter((type) => PROBLEMS[type].status === status)
        .map((type) => `\`${type}\`: ${PROBLEMS[type].title}`)
        .join('. '),
      content: { 'application/problem+json': { schema: referenceTo(ProblemSchema) } },
    }),
  )
  return applyDecorators(ApiBearerAuth(), ...responses)
}

/** Serves the document at /openapi.json and the page at /api/docs. Both are public. */
export function serveOpenApi(app: INestApplication, { publicUrl }: { publicUrl: string }): void {
  const builder = new DocumentBuilder()
    .setTitle('LuciHub')
    .setDescription(
      'Analog computers, shared: equations in, measurements out. Units are in the names; failures are RFC 9457 problem documents.',
    )
    .setVersion(VERSION)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key, `lh_live_...`' })
  const document = SwaggerModule.createDocument(app, (publicUrl ? builder.addServer(publicUrl) : builder).build(), {
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '').toLowerCase()}.${method}`,
  })
  // What Nest collected from request bodies is in input form (defaults are optional there) and goes first.
  document.components = { ...document.components, schemas: { ...answerSchemas(), ...document.components?.schemas } }
  const server: FastifyInstance = app.getHttpAdapter().getInstance()
  const text = JSON.stringify(document)
  server.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(text))
  serveDocsPage(server)
}

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>

function referenceTo(schema: z.ZodType): { $ref: string } {
  const id = schema.meta()?.id
  invariant(id, 'a schema of an answer has an id')
  return { $ref: `#/components/schemas/${id}` }
}

/** Every schema with an id, as it looks in answers. */
function answerSchemas(): Schemas {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    target: 'openapi-3.0',
    io: 'output',
    uri: (id) => `#/components/schemas/${id}`,
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $id: _uri, $schema: _dialect, ...schema }]) => [id, schema]),
  ) as Schemas
}
