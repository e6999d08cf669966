/** Files of datasets, datapoints and runs: immutable versions, addressed by their content. */
import type { Http } from './http.ts'

export interface FileResource {
  readonly id: string
  readonly name: string
  /** 1, 2, ...; a version never changes. */
  readonly version: number
  /** No later version has replaced it. */
  readonly current: boolean
  /** Bytes. */
  readonly size: number
  /** Of the content, hex. */
  readonly sha256: string
  readonly contentType: string
  readonly role: 'user' | 'payload' | 'input' | 'log' | 'calibration'
  readonly createdBy: string | null
  readonly createdAt: string
}

export interface FilePage {
  readonly files: readonly FileResource[]
  readonly nextCursor: string | null
}

/** What files belong to. */
export interface FileOwner {
  readonly kind: 'dataset' | 'datapoint' | 'run'
  readonly id: string
}

export interface FilesClient {
  /** The current version of each file. */
  list(owner: FileOwner, page?: { cursor?: string; limit?: number }): Promise<FilePage>
  /** All versions of one file, the newest first. */
  versions(owner: FileOwner, name: string, page?: { cursor?: string; limit?: number }): Promise<FilePage>
  /** Makes a new version, or finds that the current one has this content already. A stream is not held in memory. */
  put(
    owner: FileOwner,
    name: string,
    content: Uint8Array | ReadableStream<Uint8Array>,
    options?: { contentType?: string },
  ): Promise<FileResource>
  /** The content as a stream: the response of a request that succeeded. `range`: bytes, the end is exclusive. */
  get(owner: FileOwner, name: string, options?: FileOptions): Promise<Response>
}

export interface FileOptions {
  /** Left out: the current one. */
  readonly version?: number
  readonly range?: { readonly from: number; readonly to?: number }
  readonly signal?: AbortSignal
}

export function filesClient({ request, json }: Http): FilesClient {
  const files = ({ kind, id }: FileOwner): string => `/${kind}s/${encodeURIComponent(id)}/files`
  const at = (owner: FileOwner, name: string): string => `${files(owner)}/${encodeURIComponent(name)}`
  return {
    list: (owner, page = {}) => json(files(owner), { query: { ...page } }),
    versions: (owner, name, page = {}) => json(`${at(owner, name)}/versions`, { query: { ...page } }),
    put: (owner, name, body, { contentType } = {}) =>
      json(at(owner, name), { method: 'PUT', body, headers: contentType ? { 'content-type': contentType } : {} }),
    get: (owner, name, { version, range, signal } = {}) =>
      request(at(owner, name), {
        query: { version },
        headers: { accept: '*/*', ...(range && { range: `bytes=${range.from}-${range.to ? range.to - 1 : ''}` }) },
        ...(signal && { signal }),
      }),
  }
}
