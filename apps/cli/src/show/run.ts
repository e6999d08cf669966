/** One run, as text. */
import { CLANES, M_BLOCK_WIDTH } from '@lucihub/analog'
import type { RunSummary } from '@lucihub/sdk'
import { formatCount, formatDuration } from './duration.ts'
import { facts } from './table.ts'

export function runText(run: RunSummary): string {
  const samples = `${formatCount(run.storedSamples)} of ${formatCount(run.expectedSamples)} per channel`
  const device = run.attempts.at(-1)?.deviceId ?? run.deviceId ?? `any ${run.deviceClass}`
  return facts([
    ['run', run.id],
    ['title', run.title],
    ['state', run.reason ? `${run.state}: ${run.reason}` : run.state],
    ['kind', run.kind],
    ['device', device],
    ['op time', formatDuration(run.opTimeNs)],
    ['sample rate', `${formatCount(run.sampleRateHz)}/s`],
    ['samples', samples],
    ['overload', run.overloads.map(outputName).join(', ')],
  ])
}

/** `M0.3` on the first cluster, `2/M1.0` on another: the element behind an output (cluster * 16 + clane). */
export function outputName(output: number): string {
  const cluster = Math.floor(output / CLANES)
  const clane = output % CLANES
  const element = `M${Math.floor(clane / M_BLOCK_WIDTH)}.${clane % M_BLOCK_WIDTH}`
  return cluster === 0 ? element : `${cluster}/${element}`
}
