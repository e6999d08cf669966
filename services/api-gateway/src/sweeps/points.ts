/** From a sweep to its runs: each point as a submission of its own, checked and compiled before any is accepted. */
import { Problem, programWithValues, sweepPoints, withValues, type SweepPoint } from '@lucihub/analog'
import type { RunSpec } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { parseWith } from '../http/violations.ts'
import { RunSubmissionSchema } from '../runs/runs.schema.ts'
import { specify } from '../runs/submission.ts'
import type { SweepSubmission } from './sweeps.schema.ts'

/** The compiler is asked for so many at once: other users want it too. */
const COMPILED_AT_ONCE = 4
const PLACE = ['project', 'dataset', 'name']

export interface PlannedRun {
  readonly name: string
  readonly point: SweepPoint
  readonly spec: RunSpec
}

/** Problems: `validation-failed` for the matrix; for the first point that is no run, its own problem with the point's values. */
export async function planned(bus: Bus, sweep: SweepSubmission): Promise<readonly PlannedRun[]> {
  const { matrix, mode, base, name } = sweep
  const expanded = sweepPoints(matrix, mode)
  if ('violations' in expanded)
    throw new Problem('validation-failed', `The matrix has ${expanded.violations.length} faults.`, expanded)
  const misplaced = PLACE.filter((field) => Object.hasOwn(base, field))
  if (misplaced.length > 0)
    throw new Problem('validation-failed', 'The runs of a sweep lie in its own dataset.', {
      violations: misplaced.map((field) => ({
        pointer: `/base/${field}`,
        value: String(base[field]).slice(0, 80),
        message: 'It is given by the sweep.',
        remedy: 'Leave it out here.',
      })),
    })
  const runs: PlannedRun[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < expanded.points.length; at = next++) {
      const point = expanded.points[at] ?? {}
      const spec = await specified(bus, { base, point }).catch((failure: unknown) => {
        throw pointProblem(failure, { at, point })
      })
      runs[at] = { name: `${name}_${at}`, point, spec }
    }
  }
  await Promise.all(Array.from({ length: COMPILED_AT_ONCE }, work))
  return runs
}

async function specified(
  bus: Bus,
  { base, point }: { readonly base: Readonly<Record<string, unknown>>; readonly point: SweepPoint },
): Promise<RunSpec> {
  const { source, title, parameters, input, ...rest } = base
  const program = typeof source === 'string' ? programWithValues(source, point) : null
  // Values that neither the program nor anything else takes would make runs that are all the same.
  const unused =
    program && rest['recipe'] === undefined ? Object.keys(point).filter((name) => !program.used.has(name)) : []
  if (unused.length > 0)
    throw new Problem('validation-failed', `The program has no parameter ${unused.join(', ')}.`, {
      violations: unused.map((name) => ({
        pointer: `/matrix/${name}`,
        value: name,
        message: `The program says neither "{{${name}}}" nor "let ${name} = …;".`,
        remedy: 'Use the name in the program, or leave it out.',
      })),
    })
  return specify(
    bus,
    parseWith(RunSubmissionSchema, {
      ...rest,
      ...(source !== undefined && { source: program?.text ?? source }),
      ...(title !== undefined && { title: typeof title === 'string' ? withValues(title, point).text : title }),
      ...(input !== undefined && { input: JSON.parse(withValues(JSON.stringify(input), point).text) as unknown }),
      parameters: { ...(parameters as object | undefined), ...point },
    }),
  )
}

function pointProblem(failure: unknown, { at, point }: { readonly at: number; readonly point: SweepPoint }): unknown {
  if (!(failure instanceof Problem)) return failure
  const detail = `Run ${at} of the sweep, ${JSON.stringify(point).slice(0, 200)}: ${failure.message}`
  const violations = failure.violations.map((violation) => ({
    ...violation,
    pointer: violation.pointer.startsWith('/matrix') ? violation.pointer : `/base${violation.pointer}`,
  }))
  const problem = new Problem(failure.type, detail, { violations, retryAfterS: failure.retryAfterS, cause: failure })
  return Object.assign(problem, 'diagnostics' in failure && { diagnostics: failure.diagnostics })
}
