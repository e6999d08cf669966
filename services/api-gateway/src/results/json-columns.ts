/** Measurements as one JSON document, column by column, written while it is read from the store. */
import type { Bus } from '@lucihub/messaging'
import type { CsvOptions } from './csv.ts'
import { TextWriter } from './number-text.ts'
import { physical, slices } from './slices.ts'

export async function* jsonColumns(bus: Bus, { selection, time, ...run }: CsvOptions): AsyncGenerator<Buffer> {
  const { channels, fromIndex, toIndex, sampleRateHz, problemTimePerSecond } = selection
  const unitsPerSecond = time === 'op' ? 1 : problemTimePerSecond
  const axis = { kind: time, first: (fromIndex / sampleRateHz) * unitsPerSecond, step: unitsPerSecond / sampleRateHz }
  const head = { fromIndex, toIndex, sampleRateHz, problemTimePerSecond, time: axis }
  const writer = new TextWriter(1 << 20)
  writer.text(`${JSON.stringify(head).slice(0, -1)},"channels":[`)
  for (const [place, { index, label, unit }] of channels.entries()) {
    writer.text(`${place === 0 ? '' : ','}${JSON.stringify({ index, label, unit }).slice(0, -1)},"values":[`)
    for await (const slice of slices(bus, { ...run, channel: index, fromIndex, toIndex })) {
      if (slice.firstIndex > fromIndex) writer.text(',')
      numbers(writer, physical(slice))
      yield writer.take()
    }
    writer.text(']}')
  }
  yield writer.text(']}').take()
}

/** Comma-separated; what JSON cannot say is null. */
export function numbers(writer: TextWriter, values: Float32Array): TextWriter {
  for (let i = 0; i < values.length; i += 1) {
    if (i > 0) writer.comma()
    writer.number(values[i] ?? NaN, 'null')
  }
  return writer
}
