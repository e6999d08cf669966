/** What can go wrong between a program and the hub: the hub says no (a Problem), or it cannot be heard (a TransportError). */
import { PROBLEMS, Problem, type ProblemType } from '@lucihub/analog'
import type { DiagnosticResource, ProblemDocument } from './resources.ts'

/** A Problem as the hub sent it, with what only the HTTP edge knows. */
export class HubProblem extends Problem {
  /** With `compilation-failed`: what the compiler said. Empty otherwise. */
  readonly diagnostics: readonly DiagnosticResource[]
  /** Names the request in the hub's log; empty when the hub gave none. */
  readonly traceId: string

  constructor(type: ProblemType, document: Partial<ProblemDocument>, retryAfterS: number) {
    super(type, document.detail ?? PROBLEMS[type].title, { violations: document.violations ?? [], retryAfterS })
    this.diagnostics = document.diagnostics ?? []
    this.traceId = document.traceId ?? ''
  }
}

/** The hub was not reached, the connection broke, or what answered is not a hub. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
}

/** Rebuilds the problem an answer carries. */
export async function failureOf(response: Response): Promise<HubProblem | TransportError> {
  const text = await response.text().catch(() => '')
  const document = parseDocument(text)
  const type = document?.type?.replace(/^.*\/problems\//, '')
  if (document && type !== undefined && Object.hasOwn(PROBLEMS, type)) {
    return new HubProblem(type as ProblemType, document, Number(response.headers.get('retry-after')) || 0)
  }
  const said = text.slice(0, 200).trim()
  return new TransportError(`${response.url} answered ${response.status}, not as a hub would${said && `: ${said}`}`)
}

function parseDocument(text: string): Partial<ProblemDocument> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null // Not JSON: a proxy's page, say. The caller shows the text.
  }
}
