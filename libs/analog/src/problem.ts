/**
 * Problems: every failure that another process or a person may see is a row of this table. They cross the
 * bus as protobuf and HTTP as RFC 9457 documents. Expected outcomes are values, not problems; our own
 * mistakes are `invariant` and end as `internal`.
 */

interface ProblemRow {
  readonly status: number
  readonly title: string
  /** True when the same request may succeed later, unchanged. */
  readonly retryable: boolean
}

export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not well formed', retryable: false },
  unauthenticated: { status: 401, title: 'A valid API key is required', retryable: false },
  forbidden: { status: 403, title: 'This key may not do that', retryable: false },
  'not-found': { status: 404, title: 'There is no such resource', retryable: false },
  'method-not-allowed': { status: 405, title: 'This address does not offer the method', retryable: false },
  'not-acceptable': { status: 406, title: 'None of the accepted formats is available', retryable: false },
  'state-conflict': { status: 409, title: 'The state does not allow this', retryable: false },
  'too-large': { status: 413, title: 'The request body is too large', retryable: false },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported', retryable: false },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside of the content', retryable: false },
  'validation-failed': { status: 422, title: 'The request has values out of bounds', retryable: false },
  'compilation-failed': { status: 422, title: 'The program does not compile', retryable: false },
  'idempotency-mismatch': { status: 422, title: 'The idempotency key was used for another request', retryable: false },
  'too-many-requests': { status: 429, title: 'Too many requests', retryable: true },
  internal: { status: 500, title: 'Something went wrong on our side', retryable: false },
  'device-failed': { status: 502, title: 'The device failed', retryable: true },
  unavailable: { status: 503, title: 'A service is not available at the moment', retryable: true },
  timeout: { status: 504, title: 'A service did not answer in time', retryable: true },
} as const satisfies Record<string, ProblemRow>

export type ProblemType = keyof typeof PROBLEMS
export const PROBLEM_TYPES = Object.keys(PROBLEMS) as readonly ProblemType[]

/** One thing that is wrong with a request. */
export interface Violation {
  /** JSON pointer into the request, e.g. `/sampleRateHz`. */
  readonly pointer: string
  /** The offending value as text, shortened. */
  readonly value: string
  readonly message: string
  /** What to send instead. */
  readonly remedy: string
}

export interface ProblemOptions {
  readonly violations?: readonly Violation[]
  readonly retryAfterS?: number
  readonly cause?: unknown
}

/** The one error class. `message` is the detail shown to people. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly type: ProblemType
  readonly violations: readonly Violation[]
  /** Seconds; 0 when nothing is known. */
  readonly retryAfterS: number

  constructor(type: ProblemType, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.type = type
    this.violations = options.violations ?? []
    this.retryAfterS = options.retryAfterS ?? 0
  }

  get status(): number {
    return PROBLEMS[this.type].status
  }

  get title(): string {
    return PROBLEMS[this.type].title
  }

  get retryable(): boolean {
    return PROBLEMS[this.type].retryable
  }

  /** The one funnel for whatever was thrown: an unknown error becomes `internal`, with its cause kept for the log only. */
  static from(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown
    return new Problem('internal', 'An unexpected error was logged.', { cause: thrown })
  }
}

/** Our own mistakes: states that the code rules out. Throws when `condition` is false. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`)
}
