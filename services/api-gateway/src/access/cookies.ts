/**
 * Sessions of browsers: both tokens in cookies that no script can read. SameSite=Strict keeps other sites from
 * using them, and a request that changes something must come from our own pages besides: browsers say where a
 * request came from, programs do not and carry no cookies.
 */
import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SessionReply } from '@lucihub/contracts'

const ACCESS = { name: 'lucihub_access', path: '/api' } as const
const REFRESH = { name: 'lucihub_refresh', path: '/api/v1/auth' } as const
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

export interface SessionCookies {
  readonly access: string | undefined
  readonly refresh: string | undefined
}

/** What a browser sent along. Nothing, when another site made it send that. */
export function sessionCookies({ headers, method }: FastifyRequest): SessionCookies {
  const site = headers['sec-fetch-site']
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (headers.cookie === undefined || (foreign && !SAFE_METHODS.includes(method)))
    return { access: undefined, refresh: undefined }
  const cookies = parseCookie(headers.cookie)
  return { access: cookies[ACCESS.name], refresh: cookies[REFRESH.name] }
}

/** Sets both cookies; `secure` where the hub is reached by https. */
export function giveCookies(reply: FastifyReply, session: SessionReply, secure: boolean): void {
  reply.header('set-cookie', [
    cookie(ACCESS, session.accessToken, new Date(session.accessExpiresAtMs), secure),
    cookie(REFRESH, session.refreshToken, new Date(session.refreshExpiresAtMs), secure),
  ])
}

export function takeCookies(reply: FastifyReply, secure: boolean): void {
  const past = new Date(0)
  reply.header('set-cookie', [cookie(ACCESS, '', past, secure), cookie(REFRESH, '', past, secure)])
}

function cookie({ name, path }: { name: string; path: string }, value: string, expires: Date, secure: boolean): string {
  return stringifySetCookie({ name, value, path, expires, secure, httpOnly: true, sameSite: 'strict' })
}
