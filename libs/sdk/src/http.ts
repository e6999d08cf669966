/** Requests to the hub: credentials, bodies, and how every failure becomes a {@link HubProblem} or a {@link TransportError}. */
import { TransportError, failureOf } from './failure.ts'

export interface HttpOptions {
  /** Where the hub answers, e.g. `http://localhost:8080`; the API's path is appended. */
  readonly url: string
  /** An API key, an access token or a run key. */
  readonly apiKey: string
  /** Another implementation of fetch, for tests or old browsers. */
  readonly fetch?: typeof fetch
}

export interface RequestOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export type QueryValue = string | number | boolean | readonly (string | number)[] | undefined

export interface Http {
  /** Rejects for every answer that is not a success. `path` below `/api/v1`. */
  request(path: string, options?: RequestOptions): Promise<Response>
  json<T>(path: string, options?: RequestOptions): Promise<T>
  /** Where requests go, for messages. */
  readonly base: string
}

/** Requests to the hub at `url`. */
export function openHttp({ url, apiKey, fetch: fetchWith = fetch }: HttpOptions): Http {
  const base = `${url.replace(/\/+$/, '')}/api/v1`

  async function request(
    path: string,
    { method = 'GET', query = {}, body, headers = {}, signal }: RequestOptions = {},
  ): Promise<Response> {
    const address = `${base}${path}${queryString(query)}`
    const init: RequestInit = {
      method,
      headers: { accept: 'application/json', authorization: `Bearer ${apiKey}`, ...headers },
    }
    if (body !== undefined) {
      const isStream = body instanceof ReadableStream
      const isRaw = isStream || body instanceof Uint8Array
      Object.assign(init, {
        body: isRaw ? body : JSON.stringify(body),
        headers: { 'content-type': isRaw ? 'application/octet-stream' : 'application/json', ...init.headers },
        // A stream is sent while the answer is awaited, which fetch wants to be told.
        ...(isStream && { duplex: 'half' }),
      })
    }
    if (signal) init.signal = signal
    const response = await fetchWith(address, init)
      .catch((failure: unknown) => {
        // A program that computed for a while finds its idle connection closed; asking once more hurts nobody.
        if (['GET', 'HEAD'].includes(method) && !signal?.aborted && wasClosed(failure)) return fetchWith(address, init)
        throw failure
      })
      .catch((cause: unknown) => {
        throw new TransportError(`no answer from ${base}${because(cause)}`, { cause })
      })
    if (!response.ok) throw await failureOf(response)
    return response
  }

  async function json<T>(path: string, options?: RequestOptions): Promise<T> {
    const response = await request(path, options)
    try {
      return (await response.json()) as T
    } catch (cause) {
      throw new TransportError(`the answer of ${base}${path} broke off or is not JSON`, { cause })
    }
  }

  return { request, json, base }
}

function queryString(query: Readonly<Record<string, QueryValue>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, Array.isArray(value) ? value.join(',') : String(value))
  }
  const text = parameters.toString()
  return text && `?${text}`
}

/** The other side closed the connection before it answered. */
function wasClosed(failure: unknown): boolean {
  const { code } = ((failure as { readonly cause?: unknown }).cause ?? {}) as { readonly code?: string }
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET'
}

/** fetch hides the reason in `cause`, and where two addresses were tried only a code is left. */
function because(failure: unknown): string {
  const { cause = failure } = failure as { readonly cause?: unknown }
  const { message, code } = cause as { readonly message?: string; readonly code?: string }
  const reason = message || code
  return reason ? `: ${reason}` : ''
}
