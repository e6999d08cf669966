/** Tables for people: aligned columns, two spaces apart, no lines to get in the way of cut and paste. */
import { printable } from './text.ts'

export interface Column {
  readonly title: string
  /** Numbers read best on the right. Default left. */
  readonly align?: 'left' | 'right'
}

/** One line of text per row, with a heading. Cells are made safe for the terminal. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(printable))]
  const widths = columns.map((_, c) => Math.max(...lines.map((line) => length(line[c] ?? ''))))
  const format = (line: readonly string[]): string =>
    columns
      .map(({ align = 'left' }, c) => {
        const cell = line[c] ?? ''
        const space = ' '.repeat(Math.max(0, (widths[c] ?? 0) - length(cell)))
        return align === 'right' ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  return lines.map(format).join('\n')
}

/** Names on the left, values on the right; rows without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: string | null])[]): string {
  const shown = rows.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value] as const]))
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n')
}

function length(text: string): number {
  return [...text].length
}
