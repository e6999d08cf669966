/**
 * The check of a result against its own equations: the source is integrated directly, without compiler, scaling or
 * circuit, at the very instants of the samples.
 */
import type { Configuration } from '@lucihub/analog'
import { renderDiagnostic, solve } from '@lucihub/analang'
import type { Samples } from '@lucihub/sdk'
import { DEFAULT_TOLERANCE, compareRuns, type ComparisonVerdict } from '@lucihub/simulation'
import { formatNumber, formatPercent } from './show/duration.ts'
import { table } from './show/table.ts'

export interface ChannelCheck {
  readonly label: string
  /** Errors relative to full scale: the physical value at 1 machine unit. */
  readonly rms: number
  readonly max: number
  /** Problem time at which the error first exceeds one per cent; null when it never does. */
  readonly horizon: number | null
  /** Root mean square of the error up to the horizon. */
  readonly rmsBeforeHorizon: number
  /** Chaotic systems tell nearby states apart in the end: `agrees-until-horizon` is as good as it gets there. */
  readonly verdict: ComparisonVerdict
}

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
  const { channels } = samples
  const expected = channels.map(({ index, label }) => {
    const values = reference.values[index]
    if (!values) throw new Error(`The source has no probe for channel ${label}.`)
    return values
  })
  const times = { rate: 1 / dt, offset: firstIndex * dt }
  const compared = compareRuns(
    { a: { ...times, values: channels.map(({ values }) => values) }, b: { ...times, values: expected } },
    { channels: channels.map(({ index, label }) => ({ label, fullScale: fullScaleOf(configuration, index) })) },
  )
  return compared.channels.map(({ label, rms, max, firstExcursion, rmsBefore, verdict }) => ({
    label,
    rms: rms.machine,
    max: max.machine,
    horizon: firstExcursion,
    rmsBeforeHorizon: rmsBefore.machine,
    verdict,
  }))
}

/** The physical value of a probe at 1 machine unit. */
function fullScaleOf(configuration: Configuration, probe: number): number {
  const channel = configuration.carriers.flatMap(({ adc }) => adc).find((candidate) => candidate.probe === probe)
  return Math.abs(channel?.gain ?? 1) || 1
}

const VERDICTS: Readonly<Record<ComparisonVerdict, string>> = {
  agrees: 'agrees',
  'agrees-until-horizon': 'agrees until it parts, as chaos does',
  differs: 'differs',
}

export function checkText(checks: readonly ChannelCheck[]): string {
  const rows = checks.map(({ label, rms, max, horizon, rmsBeforeHorizon, verdict }) => [
    label,
    formatPercent(rms),
    formatPercent(max),
    horizon === null ? 'not reached' : `t = ${formatNumber(horizon)}`,
    formatPercent(rmsBeforeHorizon),
    VERDICTS[verdict],
  ])
  const right = 'right' as const
  const columns = [
    { title: 'CHECK' },
    { title: 'RMS ERROR', align: right },
    { title: 'LARGEST', align: right },
    { title: `BEYOND ${formatPercent(DEFAULT_TOLERANCE)} FROM`, align: right },
    { title: 'RMS UNTIL THEN', align: right },
    { title: 'VERDICT' },
  ]
  return `${table(columns, rows)}\nErrors are relative to full scale, against the equations integrated directly.`
}
