/** A plot out of the pyramid, as JSON or as bytes. */
import { samplesOf } from '@lucihub/analog'
import type { ReadPlotReply } from '@lucihub/contracts'
import { numbers } from './json-columns.ts'
import { TextWriter } from './number-text.ts'
import type { Selection } from './selection.ts'

export function plotJson(plot: ReadPlotReply, { sampleRateHz, problemTimePerSecond }: Selection): Buffer {
  const { fromIndex, toIndex, bucket, pyramidLevel } = plot
  const head = { fromIndex, toIndex, sampleRateHz, problemTimePerSecond, bucket, pyramidLevel }
  const writer = new TextWriter().text(`${JSON.stringify(head).slice(0, -1)},"channels":[`)
  for (const [place, { index, label, unit, minimum, maximum }] of plot.channels.entries()) {
    writer.text(`${place === 0 ? '' : ','}${JSON.stringify({ index, label, unit }).slice(0, -1)},"minimum":[`)
    numbers(writer, float32(minimum)).text('],"maximum":[')
    numbers(writer, float32(maximum)).text(']}')
  }
  return writer.text(']}').take()
}

/** Per channel all minima, then all maxima, float32 little-endian. */
export function plotBytes(plot: ReadPlotReply): Buffer {
  return Buffer.concat(plot.channels.flatMap(({ minimum, maximum }) => [minimum, maximum]))
}

export function plotHeaders(
  { fromIndex, bucket, channels }: ReadPlotReply,
  { sampleRateHz }: Selection,
): Record<string, string> {
  return {
    'lucihub-channels': channels.map(({ index }) => index).join(','),
    'lucihub-first-index': String(fromIndex),
    'lucihub-bucket': String(bucket),
    'lucihub-buckets': String((channels[0]?.minimum.length ?? 0) / 4),
    'lucihub-sample-rate-hz': String(sampleRateHz),
  }
}

function float32(bytes: Uint8Array): Float32Array {
  return Float32Array.from(samplesOf(bytes, 'f32'))
}
