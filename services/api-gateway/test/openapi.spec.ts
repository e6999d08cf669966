import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { HttpAdapterHost } from '@nestjs/core'
import { MethodTable } from '../src/http/method-table.ts'
import { VERSION } from '../src/version.ts'
import { gatewayInTest, type GatewayInTest } from './gateway-in-test.ts'

interface Operation {
  readonly operationId: string
  readonly summary?: string
  readonly description?: string
  readonly security?: unknown
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly description?: string
    readonly schema?: unknown
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly $ref?: string } }> }
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: unknown }> }
  >
}
interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: {
    readonly schemas: Record<
      string,
      {
        readonly description?: string
        readonly additionalProperties?: unknown
        readonly required?: string[]
        readonly properties?: Record<string, unknown>
      }
    >
    readonly securitySchemes: unknown
  }
}

let hub: GatewayInTest
let document: Document
beforeAll(async () => {
  hub = await gatewayInTest({ publicUrl: 'https://hub.example.org' })
  document = (await (await fetch(`${hub.url}/openapi.json`)).json()) as Document
})
afterAll(() => hub.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

test('lists every route of the server and no other', () => {
  const server = hub.gateway.app.get(HttpAdapterHost).httpAdapter.getInstance<FastifyInstance>()
  const undocumented = [...MethodTable.of(server).routes()].filter(
    ([url]) => !url.startsWith('/api/docs') && url !== '/openapi.json',
  )
  const served = undocumented.flatMap(([url, methods]) =>
    methods.map((method) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`),
  )
  const listed = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`)
  expect(listed.sort()).toEqual(served.sort())
  expect(listed.length).toBeGreaterThan(15)
})

test('every operation says what it does, names its parameters and its problems', () => {
  const ids = operations().map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`
    expect({ where, summary: operation.summary, description: operation.description }).toEqual({
      where,
      summary: expect.stringMatching(/\S/) as string,
      description: expect.stringMatching(/\S/) as string,
    })
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect((operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(
      inPath,
    )
    if (path === '/health') continue
    expect({ where, security: operation.security }).toEqual({ where, security: [{ bearer: [] }] })
    for (const status of ['401', '403', '429', '500', '503', '504']) {
      expect({ where, status, content: Object.keys(operation.responses[status]?.content ?? {}) }).toEqual({
        where,
        status,
        content: ['application/problem+json'],
      })
    }
  }
})

test('every reference leads somewhere, and every schema is described', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, reference]) => reference ?? '',
  )
  expect(references.length).toBeGreaterThan(20)
  for (const reference of references) {
    const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(reference) ?? []
    expect({ reference, found: name !== undefined && name in document.components.schemas }).toEqual({
      reference,
      found: true,
    })
  }
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect({ name, description: schema.description }).toEqual({
      name,
      description: expect.stringMatching(/\S/) as string,
    })
  }
})

test('what a request must have is what it must have: defaults are optional, unknown fields are not allowed', () => {
  const { RunSubmission } = document.components.schemas
  expect(RunSubmission?.required).toEqual(['kind'])
  expect(RunSubmission?.additionalProperties).toBe(false)
  expect(RunSubmission?.properties?.['opTimeNs']).toMatchObject({
    type: 'integer',
    minimum: 100,
    maximum: 9_000_000_000,
    example: 1_000_000_000,
  })
  const submit = document.paths['/api/v1/runs']?.['post']
  expect(submit?.requestBody?.content['application/json']?.schema.$ref).toBe('#/components/schemas/RunSubmission')
  expect(Object.keys(submit?.responses ?? {}).sort()).toEqual([
    '200',
    '201',
    '400',
    '401',
    '403',
    '413',
    '415',
    '422',
    '429',
    '500',
    '503',
    '504',
  ])
})

test('query parameters are described one by one', () => {
  const list = document.paths['/api/v1/runs']?.['get']
  const names = list?.parameters?.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['cursor', 'device', 'kind', 'limit', 'state', 'page', 'order_by']))
  const results = document.paths['/api/v1/runs/{id}/results']?.['get']
  expect(Object.keys(results?.responses['200']?.content ?? {})).toEqual([
    'application/json',
    'text/csv',
    'application/octet-stream',
  ])
})

test('tells the version of the package and where the hub is', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(document.info.version).toBe(manifest.version)
  expect(VERSION).toBe(manifest.version)
  expect(document).toMatchObject({ openapi: '3.0.0', servers: [{ url: 'https://hub.example.org' }] })
})

test('the page at /api/docs brings everything it needs', async () => {
  const page = await (await fetch(`${hub.url}/api/docs`)).text()
  const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '')
  expect(parts).toHaveLength(4)
  for (const part of parts) {
    const response = await fetch(`${hub.url}${part}`)
    expect({ part, status: response.status, bytes: (await response.arrayBuffer()).byteLength > 50 }).toEqual({
      part,
      status: 200,
      bytes: true,
    })
  }
})
