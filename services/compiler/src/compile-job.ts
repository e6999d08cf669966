/** What is asked of a worker thread and what it answers; both cross the thread border as structured clones. */
import {
  INTEGRATOR_RATES,
  Problem,
  RUN_LIMITS,
  specificationOf,
  type Compilation,
  type DeviceSpecification,
  type IntegratorRate,
  type Violation,
} from '@lucihub/analog'
import { descriptionFromProto, type CompileRequest } from '@lucihub/contracts'

export interface CompileJob {
  readonly source: string
  /** Null: the smallest machine that fits. */
  readonly device: DeviceSpecification | null
  readonly opTimeNs: number
  /** Null: the compiler chooses. */
  readonly k0: IntegratorRate | null
}

/** `too-deep`: the program exhausted the stack. `crashed`: our own mistake. */
export type WorkerAnswer =
  | ({ readonly kind: 'compiled' } & Compilation)
  | { readonly kind: 'too-deep' }
  | { readonly kind: 'crashed'; readonly stack: string }

/** Reads a request; throws a Problem `validation-failed` that names all values out of bounds. */
export function jobOf({ source, device, opTimeNs, k0 }: CompileRequest): CompileJob {
  const rate = INTEGRATOR_RATES.find((known) => known === k0) ?? null
  const violations = [
    ...sourceViolations(source),
    ...opTimeViolations(opTimeNs),
    ...(rate === null && k0 !== 0 ? [k0Violation(k0)] : []),
  ]
  if (violations.length > 0)
    throw new Problem('validation-failed', 'The compile request has values out of bounds.', { violations })
  return { source, opTimeNs, k0: rate, device: device ? specificationOf(descriptionFromProto(device)) : null }
}

function sourceViolations(source: string): Violation[] {
  const bytes = Buffer.byteLength(source)
  const { max } = RUN_LIMITS.sourceBytes
  if (bytes <= max) return []
  return [
    {
      pointer: '/source',
      value: `${source.slice(0, 40)}…`,
      message: `The program has ${bytes} bytes.`,
      remedy: `At most ${max} bytes.`,
    },
  ]
}

function opTimeViolations(opTimeNs: number): Violation[] {
  const { min, max } = RUN_LIMITS.opTimeNs
  if (opTimeNs >= min && opTimeNs <= max) return []
  return [
    {
      pointer: '/opTimeNs',
      value: String(opTimeNs),
      message: 'The op time is out of bounds.',
      remedy: `${min} to ${max} ns.`,
    },
  ]
}

function k0Violation(k0: number): Violation {
  return {
    pointer: '/k0',
    value: String(k0),
    message: 'Integrators have no such rate.',
    remedy: `One of ${INTEGRATOR_RATES.join(', ')}, or 0.`,
  }
}
