/**
 * The browser of tables: a tab per table, rows below each other, one of them chosen. State and drawing are pure, so that
 * tests need no terminal; `browse` connects them to keys. Its session is read-only.
 */
import { emitKeypressEvents } from 'node:readline'
import { sampleEncoding } from '@lucihub/contracts'
import { samplesOf } from '@lucihub/analog'
import { inSession, type MaintenanceSession } from './session.ts'
import { cellText, columnsOf, rowsOf, TABLES, textTable, type ShownRow } from './tables.ts'

const ROWS_MAX = 1000
const PLOT_LINES = 12

export interface View {
  readonly table: number
  readonly rows: readonly ShownRow[]
  readonly chosen: number
  /** First column that is shown, when a table is wider than the terminal. */
  readonly left: number
  readonly search: string
  /** Text that is being typed after "/"; null: none. */
  readonly typing: string | null
  readonly dark: boolean
  /** Lines in place of the rows: one row in full, or a plot. */
  readonly overlay: readonly string[] | null
}

/** What a key asks for: another view, and whether rows, or a plot, have to be read for it. */
export type Step = { readonly view: View; readonly read?: 'rows' | 'plot' } | 'quit'

export interface Key {
  readonly name?: string | undefined
  readonly sequence?: string | undefined
  readonly ctrl?: boolean | undefined
}

export const FIRST_VIEW: View = {
  table: TABLES.indexOf('run'),
  rows: [],
  chosen: 0,
  left: 0,
  search: '',
  typing: null,
  dark: true,
  overlay: null,
}

/** Keys: arrows, enter, "/" search, p plot, d dark or light, q quit. */
export function step(view: View, { name, sequence = '', ctrl = false }: Key): Step {
  if (ctrl && name === 'c') return 'quit'
  if (view.typing !== null) return typed(view, { name, sequence })
  if (view.overlay && name !== 'q')
    return { view: { ...view, overlay: null, dark: name === 'd' ? !view.dark : view.dark } }
  const toTable = (by: number): Step => ({
    view: { ...view, table: (view.table + by + TABLES.length) % TABLES.length, chosen: 0, left: 0, search: '' },
    read: 'rows',
  })
  switch (name) {
    case 'q':
      return view.overlay ? { view: { ...view, overlay: null } } : 'quit'
    case 'd':
      return { view: { ...view, dark: !view.dark } }
    case 'tab':
    case 'right':
      return toTable(1)
    case 'left':
      return toTable(-1)
    case 'down':
      return { view: { ...view, chosen: Math.max(0, Math.min(view.rows.length - 1, view.chosen + 1)) } }
    case 'up':
      return { view: { ...view, chosen: Math.max(0, view.chosen - 1) } }
    case 'pagedown':
      return { view: { ...view, left: Math.min(view.left + 1, columnsOf(TABLES[view.table] ?? 'run').length - 1) } }
    case 'pageup':
      return { view: { ...view, left: Math.max(0, view.left - 1) } }
    case 'p':
      return { view, read: 'plot' }
    case 'return': {
      const row = view.rows[view.chosen]
      return { view: { ...view, overlay: row ? inFull(row) : null } }
    }
    default:
      return sequence === '/' ? { view: { ...view, typing: '' } } : { view }
  }
}

function typed(view: View, { name, sequence }: { name: string | undefined; sequence: string }): Step {
  const typing = view.typing ?? ''
  if (name === 'escape') return { view: { ...view, typing: null } }
  if (name === 'return') return { view: { ...view, typing: null, search: typing, chosen: 0 }, read: 'rows' }
  if (name === 'backspace') return { view: { ...view, typing: typing.slice(0, -1) } }
  return { view: { ...view, typing: /^\P{C}$/u.test(sequence) ? typing + sequence : typing } }
}

/** The lines of the screen, without colours. */
export function screen(view: View, { columns, lines }: { readonly columns: number; readonly lines: number }): string[] {
  const table = TABLES[view.table] ?? ''
  const found = view.search === '' ? '' : ` with "${view.search}"`
  const head = `${table} (${view.table + 1}/${TABLES.length}), ${view.rows.length} rows${found}`
  const foot =
    view.typing === null
      ? 'left/right table  up/down row  enter all of it  pgup/pgdn columns  / search  p plot  d dark  q quit'
      : `/${view.typing}`
  const room = Math.max(1, lines - 3)
  if (view.overlay) return fitted([head, ...view.overlay.slice(0, room + 1), foot], columns)
  const [heading = '', ...rows] = textTable(columnsOf(table).slice(view.left), view.rows)
  const from = Math.max(0, Math.min(view.chosen - room + 1, rows.length - room))
  const shown = rows.slice(from, from + room).map((row, at) => `${from + at === view.chosen ? '>' : ' '} ${row}`)
  return fitted([head, `  ${heading}`, ...shown, foot], columns)
}

function fitted(lines: readonly string[], columns: number): string[] {
  return lines.map((line) => line.slice(0, columns))
}

function inFull(row: ShownRow): string[] {
  const width = Math.max(...Object.keys(row).map((name) => name.length))
  return Object.entries(row).map(([name, value]) => `${name.padEnd(width)}  ${cellText(value, 2000)}`)
}

/** A curve as lines of text, its range on the left. */
export function curve(values: readonly number[], { columns, label }: { columns: number; label: string }): string[] {
  if (values.length === 0) return [`${label}: no samples.`]
  const low = values.reduce((least, value) => Math.min(least, value), Infinity)
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity)
  const width = Math.max(10, Math.min(columns - 14, 120))
  const grid = Array.from({ length: PLOT_LINES }, () => Array<string>(width).fill(' '))
  for (let x = 0; x < width; x++) {
    const value = values[Math.floor((x / width) * values.length)] ?? low
    const y = high === low ? PLOT_LINES - 1 : Math.round(((high - value) / (high - low)) * (PLOT_LINES - 1))
    const line = grid[y]
    if (line) line[x] = '•'
  }
  const rows = grid.map((line, y) => {
    const number = y === 0 ? high : y === PLOT_LINES - 1 ? low : null
    return `${(number === null ? '' : number.toPrecision(5)).padStart(12)} ${line.join('').trimEnd()}`
  })
  return [label, ...rows]
}

/** The first samples of each channel of the run that a row is about, raw values. */
export async function plotOf(session: MaintenanceSession, row: ShownRow, columns: number): Promise<string[]> {
  const runId = String(row['run_id'] ?? row['id'] ?? '')
  const pages = await session.query<{ channel: number; encoding: number; samples: Buffer }>(
    `SELECT DISTINCT ON (p.channel) p.channel, p.encoding, p.samples FROM page p WHERE p.run_id::text = $1 AND p.channel < 4
      ORDER BY p.channel, p.attempt DESC, p.first_index`,
    [runId],
  )
  if (pages.length === 0) return [`There are no samples of ${runId}.`]
  return pages.flatMap(({ channel, encoding, samples }) =>
    curve([...samplesOf(samples, encoding === sampleEncoding.toProto('i16') ? 'i16' : 'f32')], {
      columns,
      label: `channel ${channel}, raw`,
    }),
  )
}

/** Until somebody presses q. */
export async function browse(
  url: string,
  { stdin, stdout }: { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream },
): Promise<void> {
  // Read anew for each look: one long transaction would show one moment for ever.
  const look = <T>(work: (session: MaintenanceSession) => Promise<T>): Promise<T> => inSession(url, 'read', work)
  const read = async (view: View): Promise<View> => {
    const wanted = { table: TABLES[view.table] ?? 'run', where: '', search: view.search, limit: ROWS_MAX }
    return { ...view, rows: await look((session) => rowsOf(session, wanted)) }
  }
  const draw = (view: View): void => {
    const [reset, colours] = ['\x1b[0m', view.dark ? '\x1b[97;40m' : '\x1b[30;107m']
    const lines = screen(view, { columns: stdout.columns, lines: stdout.rows })
    stdout.write(`${colours}\x1b[2J\x1b[H${lines.join('\r\n')}${reset}`)
  }
  let view = await read(FIRST_VIEW)
  emitKeypressEvents(stdin)
  stdin.setRawMode(true)
  stdout.write('\x1b[?1049h')
  try {
    draw(view)
    await new Promise<void>((resolve, reject) => {
      let turn = Promise.resolve()
      stdin.on('keypress', (_text: string, key: Key) => {
        turn = turn.then(async () => {
          const next = step(view, key)
          if (next === 'quit') return resolve()
          view = next.view
          if (next.read === 'rows') view = await read(view)
          const row = view.rows[view.chosen]
          if (next.read === 'plot' && row)
            view = { ...view, overlay: await look((session) => plotOf(session, row, stdout.columns)) }
          draw(view)
        })
        turn.catch(reject)
      })
    })
  } finally {
    stdout.write('\x1b[?1049l')
    stdin.setRawMode(false)
    stdin.pause()
  }
}
