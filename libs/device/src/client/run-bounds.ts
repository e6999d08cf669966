/** What may be asked of a device at all, judged before it is asked. */
import { Problem, RUN_LIMITS, type RunRequest, type Violation } from '@lucihub/analog'

/** Characters of a run's id on the wire. */
export const RUN_ID_LENGTH_MAX = 38

/** Throws a Problem `validation-failed` with every violation. */
export function assertRunnable(request: RunRequest): void {
  const violations: Violation[] = []
  for (const key of ['icTimeNs', 'opTimeNs', 'sampleRateHz'] as const) {
    const { min, max } = RUN_LIMITS[key]
    if (request[key] >= min && request[key] <= max) continue
    violations.push({
      pointer: `/${key}`,
      value: String(request[key]),
      message: 'is out of range',
      remedy: `use ${min} to ${max}`,
    })
  }
  if (request.id === '' || request.id.length > RUN_ID_LENGTH_MAX) {
    const remedy = `use 1 to ${RUN_ID_LENGTH_MAX} characters`
    violations.push({ pointer: '/id', value: request.id.slice(0, 80), message: 'is not a run id', remedy })
  }
  if (violations.length > 0) throw new Problem('validation-failed', 'No device can do this run.', { violations })
}
