/** CSV by RFC 4180: a time column, then one column per channel. */
import type { Bus } from '@lucihub/messaging'
import { TextWriter } from './number-text.ts'
import type { Selection } from './selection.ts'
import { window, type RunAddress } from './slices.ts'

/** Rows made at a time: with eight channels about a megabyte of text. */
const WINDOW_ROWS = 8_192

export interface CsvOptions extends RunAddress {
  readonly selection: Selection
  readonly time: 'op' | 'problem'
}

export async function* csv(bus: Bus, { selection, time, ...run }: CsvOptions): AsyncGenerator<Buffer> {
  const { channels, toIndex, sampleRateHz, problemTimePerSecond } = selection
  const header = [time === 'op' ? 't_s' : 't', ...channels.map(({ label, index }) => label || `channel ${index}`)]
  const writer = new TextWriter(1 << 20)
  writer.text(`${header.map(csvCell).join(',')}\r\n`)

  const unitsPerSecond = time === 'op' ? 1 : problemTimePerSecond
  for (let from = selection.fromIndex; from < toIndex; from += WINDOW_ROWS) {
    const to = Math.min(from + WINDOW_ROWS, toIndex)
    const columns = await Promise.all(
      channels.map(({ index }) => window(bus, { ...run, channel: index, fromIndex: from, toIndex: to })),
    )
    for (let row = 0; row < to - from; row += 1) {
      writer.text(String(((from + row) / sampleRateHz) * unitsPerSecond))
      for (const column of columns) writer.comma().number(column[row] ?? NaN)
      writer.text('\r\n')
    }
    yield writer.take()
  }
  yield writer.take() // The header, when there is no row.
}

/** What a spreadsheet would take for a formula, full-width forms included, gets an apostrophe before it. */
const FORMULA = /^[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]/

/** A text as a cell: never a formula, quoted where it has to be. */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
