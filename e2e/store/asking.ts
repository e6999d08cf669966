/** Plain HTTP against a running hub: status and JSON, as a program without our SDK sees them. */
import type { RunningHub } from '../running-hub.ts'

export interface Asked<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export type Ask = <T = Record<string, unknown>>(
  method: string,
  path: string,
  options?: { readonly body?: unknown; readonly token?: string; readonly accept?: string },
) => Promise<Asked<T>>

/** `path` below /api/v1; the hub's first key, unless a token is given. */
export function askingOf({ hub }: RunningHub): Ask {
  return async <T>(
    method: string,
    path: string,
    { body, token = hub.apiKey, accept = 'application/json' }: { body?: unknown; token?: string; accept?: string } = {},
  ) => {
    const response = await fetch(`${hub.url}/api/v1${path}`, {
      method,
      headers: {
        accept,
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json') ?? false
    return { status: response.status, headers: response.headers, body: (text && json ? JSON.parse(text) : text) as T }
  }
}
