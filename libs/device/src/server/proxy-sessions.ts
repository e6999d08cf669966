/**
 * Who may speak when a device stands behind a proxy. Sessions queue in the order of their arrival and the first that
 * has shown its token is active; the others may show who they are and ask what there is, and are told to wait with everything else. A
 * session that says nothing for a while is closed, so that nobody keeps the others waiting.
 */
import { Problem, type DeviceDescription } from '@lucihub/analog'
import { timingSafeEqual } from 'node:crypto'
import { parseEntityPath } from '../codec/entity-path.ts'
import type { Item, MessageToSend, MessageV1 } from '../wire/messages.ts'

export interface ProxyOptions {
  /** Bearer token that sessions must show; default: none is asked for. */
  readonly token?: string
  /** Sessions at a time, the active one among them; default 8. */
  readonly sessionsMax?: number
  /** The longest silence of a session that drives no run, ms; default 10 000. */
  readonly sessionTimeoutMs?: number
}

/** One connection, as the queue sees it. */
export interface ProxySession {
  isDrivingRun(): boolean
  close(problem: Problem): void
}

interface Admission {
  readonly session: ProxySession
  authenticated: boolean
  timer: NodeJS.Timeout | null
}

/** Defaults are those of the vendor's proxy. */
const SESSIONS_MAX = 8
const SESSION_TIMEOUT_MS = 10_000

export class ProxySessions {
  readonly #options: ProxyOptions
  readonly #queue: Admission[] = []

  constructor(options: ProxyOptions) {
    this.#options = options
  }

  /** Queues a session. False when there are too many: it is to be told so and closed. */
  join(session: ProxySession): boolean {
    if (this.#queue.length >= (this.#options.sessionsMax ?? SESSIONS_MAX)) return false
    const admission = { session, authenticated: this.#options.token === undefined, timer: null }
    this.#queue.push(admission)
    this.#watch(admission)
    return true
  }

  leave(session: ProxySession): void {
    const position = this.#queue.findIndex((one) => one.session === session)
    const [gone] = position < 0 ? [] : this.#queue.splice(position, 1)
    if (gone?.timer) clearTimeout(gone.timer)
  }

  /** The answer to a message that is not the device's to answer, or null when it is. */
  judge(session: ProxySession, message: MessageV1 | null): MessageToSend | null {
    const admission = this.#queue.find((one) => one.session === session)
    if (!admission) return { errorMessage: { description: 'Server overloaded' } }
    this.#watch(admission)
    if (!message) return null
    if (message.authRequest) return this.#authenticate(admission, message.authRequest.bearer?.token ?? '')
    if (!admission.authenticated) return { errorMessage: { description: 'Authentication required' } }
    if (message.udpDataStreamingCommand) return { errorMessage: { description: 'A proxy does not stream datagrams.' } }
    const active = this.#queue.find(({ authenticated }) => authenticated)
    return admission === active || message.extractCommand ? null : { busyResponse: {} }
  }

  #authenticate(admission: Admission, token: string): MessageToSend {
    admission.authenticated = this.#options.token === undefined || equal(token, this.#options.token)
    return admission.authenticated ? { successMessage: {} } : { errorMessage: { description: 'Authentication failed' } }
  }

  #watch(admission: Admission): void {
    const { sessionTimeoutMs = SESSION_TIMEOUT_MS } = this.#options
    if (admission.timer) clearTimeout(admission.timer)
    admission.timer = setTimeout(() => {
      if (admission.session.isDrivingRun()) return this.#watch(admission)
      this.leave(admission.session)
      admission.session.close(new Problem('timeout', `A session was silent for ${sessionTimeoutMs / 1000} s.`))
    }, sessionTimeoutMs)
  }
}

/**
 * The items of a configuration as the carriers get them: each goes to the carrier that its path begins with, and one
 * without a path to all. Throws a Problem `validation-failed` when there are paths to no carrier.
 */
export function routedItems(items: readonly Item[], { carriers }: DeviceDescription): readonly Item[] {
  const pathOf = (item: Item) => item.entity?.path ?? ''
  const reachable = (path: string) => path === '' || carriers.some(({ id }) => id === parseEntityPath(path)?.carrier)
  const lost = [...new Set(items.map(pathOf))].filter((path) => !reachable(path))
  if (lost.length > 0) {
    throw new Problem('validation-failed', `Config rejected — no backend found for entity path(s): ${lost.join(', ')}`)
  }
  return items.flatMap((item) =>
    pathOf(item) === '' ? carriers.map(({ id }) => ({ ...item, entity: { path: id } })) : item,
  )
}

function equal(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
