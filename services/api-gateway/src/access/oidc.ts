/**
 * Identity tokens of an OpenID provider. Only what the signed token says counts: who it is, until when, and for
 * whom it was made. Its keys are fetched from the address that the provider publishes and kept; no other address
 * in a token is followed.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { Problem } from '@lucihub/analog'

export interface OidcConfig {
  /** Empty: nobody logs in that way. */
  readonly issuer: string
  /** Whom tokens must be made for. */
  readonly audience: string
  /** Role, group or entitlement that a user must have; empty: none. */
  readonly entitlement: string
}

export interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly username: string
  readonly displayName: string
}

const FETCH_TIMEOUT_MS = 5_000
/** Asymmetric ones only: a provider's public key must never pass for a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA']

export class OidcProvider {
  #keys: Promise<JWTVerifyGetKey> | null = null

  constructor(private readonly config: OidcConfig) {}

  /**
   * Problems: `unauthenticated` for a token that is forged, expired or made for somebody else; `forbidden` when no
   * provider is configured or the entitlement is missing; `unavailable` when the provider does not answer.
   */
  async verify(token: string): Promise<Identity> {
    const { issuer, audience, entitlement } = this.config
    if (issuer === '') throw new Problem('forbidden', 'No OpenID provider is configured here. Log in with a password.')
    const claims = await this.#claims(token, { issuer, audience })
    if (entitlement !== '' && !entitlementsOf(claims).includes(entitlement))
      throw new Problem('forbidden', `Your account lacks "${entitlement}". Ask the administrator of your provider.`)
    const username = text(claims['preferred_username']) || text(claims['email']) || text(claims.sub)
    return {
      issuer,
      subject: text(claims.sub),
      username: username.slice(0, 64),
      displayName: text(claims['name']).slice(0, 200),
    }
  }

  async #claims(token: string, expected: { issuer: string; audience: string }): Promise<JWTPayload> {
    const keys = await this.#publishedKeys()
    try {
      const { payload } = await jwtVerify(token, keys, {
        ...expected,
        algorithms: ALGORITHMS,
        requiredClaims: ['sub', 'exp'],
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw new Problem('unauthenticated', 'The identity token has expired.', { cause: error })
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw unreachable(error)
      throw new Problem('unauthenticated', 'The identity token is not valid here.', { cause: error })
    }
  }

  #publishedKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= discover(this.config.issuer).catch((error: unknown) => {
      this.#keys = null
      throw unreachable(error)
    })
    return this.#keys
  }
}

async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(address, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'error' })
  if (!response.ok) throw new Error(`${address} answered ${response.status}`)
  const { jwks_uri: uri } = (await response.json()) as { readonly jwks_uri?: unknown }
  if (typeof uri !== 'string') throw new Error(`${address} names no jwks_uri`)
  return createRemoteJWKSet(new URL(uri), { timeoutDuration: FETCH_TIMEOUT_MS })
}

function unreachable(cause: unknown): Problem {
  return new Problem('unavailable', 'The OpenID provider does not answer.', { cause, retryAfterS: 5 })
}

/** Where providers put what a user may use: a plain list, or Keycloak's roles of realm and clients. */
function entitlementsOf(claims: JWTPayload): readonly string[] {
  const { realm_access: realm, resource_access: clients } = claims as {
    realm_access?: { roles?: unknown }
    resource_access?: Record<string, { roles?: unknown }>
  }
  const lists = [
    claims['entitlements'],
    claims['groups'],
    claims['roles'],
    realm?.roles,
    ...Object.values(clients ?? {}).map((client) => client.roles),
  ]
  return lists.flatMap((list) => (Array.isArray(list) ? list : [])).filter((word) => typeof word === 'string')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
