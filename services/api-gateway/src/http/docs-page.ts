/**
 * The page at /api/docs: Swagger UI over /openapi.json. Its files come out of the package `swagger-ui-dist`, which has
 * to lie in a node_modules beside the running program; without it the page is missing and everything else works.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Problem } from '@lucihub/analog'
import type { FastifyInstance } from 'fastify'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LuciHub API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<link rel="icon" href="/api/docs/favicon-32x32.png">
<body>
<div id="ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
`
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true, tryItOutEnabled: true })\n`

const FILES = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const

/** Adds the page's routes. They need no key: the document they show is public. */
export function serveDocsPage(server: FastifyInstance): void {
  server.get('/api/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE))
  server.get('/api/docs/start.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(START))
  for (const [file, type] of Object.entries(FILES)) {
    server.get(`/api/docs/${file}`, async (_request, reply) => {
      const content = await readPackaged(file)
      return reply.type(type).header('cache-control', 'public, max-age=3600').send(content)
    })
  }
}

async function readPackaged(file: string): Promise<Buffer> {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
    return await readFile(join(folder, file))
  } catch (cause) {
    throw new Problem(
      'not-found',
      'This installation has no swagger-ui-dist. The document itself is at /openapi.json.',
      { cause },
    )
  }
}
