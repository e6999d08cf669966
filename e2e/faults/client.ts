/** The users: they submit, repeat, cancel and follow as planned, and write down every answer. Plain HTTP, nothing of ours. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlannedRun, Schedule } from './schedule.ts'

/** One answer that a user got. */
export interface Answer {
  readonly wallMs: number
  readonly key: string
  readonly what: 'submit' | 'cancel'
  readonly status: number
  /** As the answer says; empty without. */
  readonly runId: string
  readonly state: string
  readonly detail: string
}

/** What somebody heard who followed a run. */
export interface Heard {
  readonly key: string
  readonly runId: string
  /** In order; `id` is `attempt:seq` or empty. `connection` counts from 1. */
  readonly events: {
    readonly connection: number
    readonly event: string
    readonly id: string
    readonly state: string
  }[]
  /** It was told the end. */
  over: boolean
}

export interface ClientLog {
  readonly answers: Answer[]
  readonly heard: Heard[]
}

export interface Users {
  readonly log: ClientLog
  /** Resolves when every planned request was answered, for good or ill, or `stop` was called. */
  readonly done: Promise<void>
  stop(): void
}

const RETRY_MS = 250
const TIMEOUT_MS = 8_000

export function startUsers(
  hub: { readonly url: string; readonly apiKey: string },
  { runs }: Schedule,
  began: number,
): Users {
  const log: ClientLog = { answers: [], heard: [] }
  const over = new AbortController()
  const done = Promise.all(
    runs.map(async (run) => {
      await sleep(Math.max(0, began + run.at - performance.now()))
      const ids = await Promise.all(Array.from({ length: run.copies }, () => submit(run)))
      const runId = ids.find((id) => id !== '')
      if (!runId) return
      if (run.watched) void follow(run.key, runId)
      if (run.cancelAfterMs === null) return
      await sleep(run.cancelAfterMs)
      await cancel(run.key, runId)
    }),
  ).then(() => undefined)
  return { log, done, stop: () => over.abort() }

  /** Repeats under its key until the hub has answered. */
  async function submit(run: PlannedRun): Promise<string> {
    while (!over.signal.aborted) {
      const answer = await ask('/runs', { 'idempotency-key': run.key }, submissionOf(run))
      if (answer) {
        const { id = '', state = '', detail = '' } = answer.body
        log.answers.push({
          wallMs: Date.now(),
          key: run.key,
          what: 'submit',
          status: answer.status,
          runId: id,
          state,
          detail,
        })
        if (answer.status === 200 || answer.status === 201) return id
        if (answer.status < 500 && answer.status !== 429) return ''
      }
      await sleep(RETRY_MS)
    }
    return ''
  }

  async function cancel(key: string, runId: string): Promise<void> {
    while (!over.signal.aborted) {
      const answer = await ask(`/runs/${runId}/cancel`, {}, undefined)
      if (answer) {
        const { state = '', detail = '' } = answer.body
        log.answers.push({ wallMs: Date.now(), key, what: 'cancel', status: answer.status, runId, state, detail })
        if (answer.status < 500 && answer.status !== 429) return
      }
      await sleep(RETRY_MS)
    }
  }

  interface Body {
    readonly id?: string
    readonly state?: string
    readonly detail?: string
  }

  /** Null when there was no answer. */
  async function ask(
    path: string,
    headers: Record<string, string>,
    body: unknown,
  ): Promise<{ status: number; body: Body } | null> {
    try {
      const response = await fetch(`${hub.url}/api/v1${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${hub.apiKey}`, 'content-type': 'application/json', ...headers },
        body: body === undefined ? '{}' : JSON.stringify(body),
        signal: AbortSignal.any([over.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      return { status: response.status, body: (await response.json()) as Body }
    } catch {
      return null
    }
  }

  /** Follows the events of a run to its end, resuming behind the last one whenever the connection breaks. */
  async function follow(key: string, runId: string): Promise<void> {
    const heard: Heard = { key, runId, events: [], over: false }
    log.heard.push(heard)
    let last = ''
    for (let connection = 1; !heard.over && !over.signal.aborted; connection++) {
      const silence = new AbortController()
      let timer = setTimeout(() => silence.abort(), TIMEOUT_MS)
      try {
        const response = await fetch(`${hub.url}/api/v1/runs/${runId}/events`, {
          headers: { authorization: `Bearer ${hub.apiKey}`, ...(last && { 'last-event-id': last }) },
          signal: AbortSignal.any([over.signal, silence.signal]),
        })
        if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`)
        let text = ''
        for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
          clearTimeout(timer)
          timer = setTimeout(() => silence.abort(), TIMEOUT_MS)
          text += bytes
          const parts = text.split('\n\n')
          text = parts.pop() ?? ''
          for (const part of parts) {
            const field = (name: string): string => new RegExp(`^${name}: ?(.*)$`, 'm').exec(part)?.[1] ?? ''
            const event = field('event')
            if (event === '') continue
            last = field('id') || last
            const state = event === 'state' ? ((JSON.parse(field('data')) as { state: string }).state ?? '') : ''
            heard.events.push({ connection, event, id: field('id'), state })
            heard.over ||= ['COMPLETED', 'FAILED', 'CANCELED', 'TIMED_OUT'].includes(state)
          }
        }
      } catch {
        // It broke: again from the last event.
      } finally {
        clearTimeout(timer)
      }
      if (!heard.over) await sleep(RETRY_MS)
    }
  }
}

/** Oscillators that never overload: what the device "measures" does not depend on them. */
export function submissionOf(run: PlannedRun): object {
  const source = Array.from({ length: run.oscillators }, (_, k) => {
    const [x, y] = [`x${k}`, `y${k}`]
    return `let diff[${x}, t](t) = ${y}(t); let diff[${y}, t](t) = -${x}(t); let ${x}(t: 0) = 0.${k + 1}; probe ${x}(t); probe ${y}(t);`
  }).join('\n')
  return {
    kind: run.kind,
    title: run.key,
    source,
    opTimeNs: run.opTimeNs,
    sampleRateHz: run.sampleRateHz,
    maxAttempts: run.maxAttempts,
    acceptGaps: run.acceptGaps,
    ...(run.device !== null && { device: run.device }),
  }
}
