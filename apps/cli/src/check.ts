/**
 * The check of a result against its own equations: the source is integrated directly, without compiler, scaling or
 * circuit, at the very instants of the samples.
 */
import type { Configuration } from '@lucihub/analog'
import { renderDiagnostic, solve } from '@lucihub/analang'
import type { Samples } from '@lucihub/sdk'
import { formatNumber } from './show/duration.ts'
import { table } from './show/table.ts'

export interface ChannelCheck {
  readonly label: string
  /** Errors relative to full scale: the physical value at 1 machine unit. */
  readonly rms: number
  readonly max: number
  /** Problem time at which the error first exceeds {@link HORIZON}; null when it never does. */
  readonly horizon: number | null
  /** Root mean square of the error up to the horizon. */
  readonly rmsBeforeHorizon: number
}

/** A chaotic system tells nearby states apart in the end: up to where the error stays below this is what counts. */
export const HORIZON = 0.01

/** Throws an Error with rendered diagnostics when the source has no reference solution. */
export function check(source: string, samples: Samples, configuration: Configuration): ChannelCheck[] {
  const { firstIndex, sampleRateHz, problemTimePerSecond } = samples
  if (!(problemTimePerSecond > 0))
    throw new Error('The run does not say how fast problem time passes, so it cannot be checked.')
  const count = samples.channels[0]?.values.length ?? 0
  if (count === 0) throw new Error('The run has no samples to check.')
  const dt = problemTimePerSecond / sampleRateHz
  const reference = solve(source, { problemTime: { t0: firstIndex * dt, dt, count } })
  if ('diagnostics' in reference) {
    throw new Error(reference.diagnostics.map((diagnostic) => renderDiagnostic(source, diagnostic)).join('\n'))
  }
  return samples.channels.map(({ index, label, values }) => {
    const expected = reference.values[index]
    if (!expected) throw new Error(`The source has no probe for channel ${label}.`)
    return {
      label,
      ...deviation(values, expected, { fullScale: fullScaleOf(configuration, index), t0: firstIndex * dt, dt }),
    }
  })
}

/** The physical value of a probe at 1 machine unit. */
function fullScaleOf(configuration: Configuration, probe: number): number {
  const channel = configuration.carriers.flatMap(({ adc }) => adc).find((candidate) => candidate.probe === probe)
  return Math.abs(channel?.gain ?? 1) || 1
}

interface Scale {
  readonly fullScale: number
  readonly t0: number
  readonly dt: number
}

/** Compares sample by sample. Exported for its test. */
export function deviation(
  values: ArrayLike<number>,
  expected: ArrayLike<number>,
  { fullScale, t0, dt }: Scale,
): Omit<ChannelCheck, 'label'> {
  let squares = 0
  let max = 0
  let horizon: number | null = null
  let rmsBeforeHorizon = 0
  for (let k = 0; k < values.length; k++) {
    const error = Math.abs((values[k] ?? NaN) - (expected[k] ?? NaN)) / fullScale
    if (!(error <= HORIZON) && horizon === null) {
      horizon = t0 + k * dt
      rmsBeforeHorizon = k > 0 ? Math.sqrt(squares / k) : 0
    }
    squares += error * error
    max = error > max || Number.isNaN(error) ? error : max
  }
  const rms = Math.sqrt(squares / values.length)
  return { rms, max, horizon, rmsBeforeHorizon: horizon === null ? rms : rmsBeforeHorizon }
}

export function checkText(checks: readonly ChannelCheck[]): string {
  const percent = (part: number): string => `${formatNumber(part * 100)} %`
  const rows = checks.map(({ label, rms, max, horizon, rmsBeforeHorizon }) => [
    label,
    percent(rms),
    percent(max),
    horizon === null ? 'not reached' : `t = ${formatNumber(horizon)}`,
    percent(rmsBeforeHorizon),
  ])
  const right = 'right' as const
  const columns = [
    { title: 'CHECK' },
    { title: 'RMS ERROR', align: right },
    { title: 'LARGEST', align: right },
    { title: 'BEYOND 1 % FROM', align: right },
    { title: 'RMS UNTIL THEN', align: right },
  ]
  return `${table(columns, rows)}\nErrors are relative to full scale, against the equations integrated directly.`
}
