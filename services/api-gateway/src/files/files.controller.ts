/** Files of datasets, datapoints and runs: the same routes below each of the three. */
import { Controller, Get, Head, Inject, Param, Put, Query, Req, Res, type Type } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem, invariant } from '@lucihub/analog'
import { fileOwnerKind, store, type FileOwner, type StoredFile } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, actorOf, type Caller, type Scope } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { streamOf } from '../http/stream.ts'
import { Upload, uploadOf } from '../http/upload-body.ts'
import { parseWith } from '../http/violations.ts'
import { NAME_PATTERN, Name, PageQuerySchema, type PageQuery } from '../projects/data.schema.ts'
import { instant } from '../runs/run-resource.ts'
import { FilePageSchema, FileSchema, FileVersionSchema, type FileResource, type FileVersion } from './files.schema.ts'
import { rangeOf } from './range.ts'
import { receive, send } from './transfer.ts'

interface Place {
  readonly kind: 'dataset' | 'datapoint' | 'run'
  /** As in OpenAPI's operation ids. */
  readonly name: string
  readonly read: Scope
  readonly write: Scope
}

const CONTENT_HEADERS = ['ETag', 'Content-Length', 'Content-Disposition', 'Lucihub-File-Version'] as const

export const FILES_CONTROLLERS = [
  filesController({ kind: 'dataset', name: 'DatasetFiles', read: 'projects:read', write: 'projects:write' }),
  filesController({ kind: 'datapoint', name: 'DatapointFiles', read: 'projects:read', write: 'projects:write' }),
  filesController({ kind: 'run', name: 'RunFiles', read: 'runs:read', write: 'runs:write' }),
]

function filesController({ kind, name: controllerName, read, write }: Place): Type {
  const ownerOf = (id: string): FileOwner => ({ kind: fileOwnerKind.toProto(kind), id })

  @ApiTags('files')
  @Controller(`api/v1/${kind}s/:id/files`)
  class FilesController {
    constructor(@Inject(Bus) private readonly bus: Bus) {}

    @Get()
    @Needs(read)
    @ApiOperation({ summary: `List the files of a ${kind}`, description: 'The current version of each.' })
    @Answers(200, FilePageSchema, 'A page of files')
    @Problems('not-found', 'invalid-request', 'validation-failed')
    async list(
      @From() caller: Caller,
      @Param('id') id: string,
      @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery,
    ) {
      const wanted = { actor: actorOf(caller), owner: ownerOf(id), name: '', cursor, limit }
      const { files, nextCursor } = await this.bus.call(store.listFiles, wanted)
      return { files: files.map(fileResource), nextCursor: nextCursor || null }
    }

    @Put(':name')
    @Upload()
    @Needs(write)
    @ApiOperation({
      summary: `Put a file into a ${kind}`,
      description:
        'The body is the content, of any type and at most 2 GiB. A file of that name gets a new version; the older ones stay readable. The same content and type again makes no new version.',
    })
    @Answers(201, FileSchema, 'A new version', { headers: ['Location', 'ETag'] })
    @Answers(200, FileSchema, 'The current version is this already', { headers: ['Location', 'ETag'] })
    @Problems('not-found', 'validation-failed', 'invalid-request', 'too-large')
    async put(
      @From() caller: Caller,
      @Param('id') id: string,
      @Param('name') name: string,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      const upload = uploadOf(request)
      try {
        const address = { actor: actorOf(caller), owner: ownerOf(id), name: parseWith(Name, name) }
        const { file, existing } = await receive(this.bus, address, upload)
        const resource = fileResource(present(file))
        const location = `/api/v1/${kind}s/${id}/files/${resource.name}?version=${resource.version}`
        reply.code(existing ? 200 : 201).headers({ location, etag: `"${resource.sha256}"` })
        return resource
      } finally {
        upload.body.resume() // What a refused upload still sends is read and thrown away.
      }
    }

    @Get(':name')
    @Needs(read)
    @ApiOperation({
      summary: `Read a file of a ${kind}`,
      description:
        'Its ETag is the sha256 of the content. A range of bytes may be asked for. It is always offered as a download.',
    })
    @Answers(200, null, 'The content', {
      headers: CONTENT_HEADERS,
      media: { 'application/octet-stream': 'The content, as the type it was put with' },
    })
    @Answers(206, null, 'The range', {
      headers: [...CONTENT_HEADERS, 'Content-Range'],
      media: { 'application/octet-stream': 'The bytes of the range' },
    })
    @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
    @Problems('not-found', 'validation-failed', 'invalid-request', 'range-not-satisfiable')
    async read(
      @From() caller: Caller,
      @Param('id') id: string,
      @Param('name') name: string,
      @Query({ schema: FileVersionSchema }) version: FileVersion,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ) {
      const file = await this.#find(caller, { id, name, ...version })
      const etag = describe(reply, file, version)
      if (isKnown(request, etag)) return void reply.code(304)
      const range = rangeFor(request, reply, { etag, size: file.size })
      const { from, to } = range ?? { from: 0, to: file.size }
      if (range) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${file.size}`)
      reply.headers({ 'content-length': String(to - from), 'content-type': file.contentType })
      return streamOf(send(this.bus, actorOf(caller), { file, range: { from, to } }))
    }

    @Head(':name')
    @Needs(read)
    @ApiOperation({ summary: `Is there such a file in a ${kind}?`, description: 'As GET, without the content.' })
    @Answers(200, null, 'There is', { headers: CONTENT_HEADERS })
    @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
    @Problems('not-found', 'validation-failed', 'invalid-request')
    async exists(
      @From() caller: Caller,
      @Param('id') id: string,
      @Param('name') name: string,
      @Query({ schema: FileVersionSchema }) version: FileVersion,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<void> {
      const file = await this.#find(caller, { id, name, ...version })
      if (isKnown(request, describe(reply, file, version))) return void reply.code(304)
      reply.headers({ 'content-length': String(file.size), 'content-type': file.contentType })
    }

    @Get(':name/versions')
    @Needs(read)
    @ApiOperation({ summary: `List the versions of a file of a ${kind}`, description: 'The newest first.' })
    @Answers(200, FilePageSchema, 'A page of versions')
    @Problems('not-found', 'invalid-request', 'validation-failed')
    async versions(
      @From() caller: Caller,
      @Param('id') id: string,
      @Param('name') name: string,
      @Query({ schema: PageQuerySchema }) { cursor = '', limit }: PageQuery,
    ) {
      const wanted = { actor: actorOf(caller), owner: ownerOf(id), name: known(name), cursor, limit }
      const { files, nextCursor } = await this.bus.call(store.listFiles, wanted)
      return { files: files.map(fileResource), nextCursor: nextCursor || null }
    }

    async #find(
      caller: Caller,
      { id, name, version = 0 }: { readonly id: string; readonly name: string; readonly version?: number | undefined },
    ): Promise<StoredFile> {
      const wanted = { actor: actorOf(caller), owner: ownerOf(id), name: known(name), version }
      return present((await this.bus.call(store.findFile, wanted)).file)
    }
  }
  // OpenAPI's operations are named after their controllers.
  Object.defineProperty(FilesController, 'name', { value: `${controllerName}Controller` })
  return FilesController
}

/** What cannot be a name names no file. */
function known(name: string): string {
  if (!NAME_PATTERN.test(name)) throw new Problem('not-found', `There is no file "${name.slice(0, 130)}".`)
  return name
}

/** The headers of a version; a version that was asked for by its number never changes. Gives its ETag. */
function describe(reply: FastifyReply, file: StoredFile, { version }: FileVersion): string {
  const etag = `"${hex(file.sha256)}"`
  reply.headers({
    etag,
    'accept-ranges': 'bytes',
    // The name has no character that would need quoting.
    'content-disposition': `attachment; filename="${file.name}"`,
    'lucihub-file-version': String(file.version),
    'cache-control': version === undefined ? 'private, no-cache' : 'private, max-age=31536000, immutable',
  })
  return etag
}

function isKnown({ headers }: FastifyRequest, etag: string): boolean {
  const tags = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags !== undefined && (tags.includes(etag) || tags.includes('*'))
}

/** Null: the whole. A range of another version than the client thinks is none. */
function rangeFor(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { etag, size }: { readonly etag: string; readonly size: number },
) {
  const condition = headers['if-range']
  if (condition !== undefined && condition !== etag) return null
  try {
    return rangeOf(headers.range, size)
  } catch (problem) {
    reply.header('content-range', `bytes */${size}`)
    throw problem
  }
}

function fileResource(file: StoredFile): FileResource {
  const { id, name, version, current, size, contentType, createdBy, createdAtMs } = file
  const role =
    (['user', 'payload', 'input', 'log', 'calibration'] as const).find((word) => word === file.role) ?? 'user'
  const made = { createdBy: createdBy || null, createdAt: instant(createdAtMs) }
  return { id, name, version, current, size, sha256: hex(file.sha256), contentType, role, ...made }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function present(file: StoredFile | null | undefined): StoredFile {
  invariant(file, 'the store answers with a file or a problem')
  return file
}
