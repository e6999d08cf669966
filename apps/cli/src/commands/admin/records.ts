import type { RecipeRecordResource, RecordFilter } from '@lucihub/sdk'
import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { shorten } from '../../show/text.ts'
import { adminGroup } from './group.ts'

interface ListOptions {
  readonly project?: string
  readonly runNo?: number
  readonly limit?: number
  readonly cursor?: string
  readonly csv?: boolean
}

interface JudgeOptions {
  readonly reason: string
  readonly cascade?: boolean
}

const CELL_WIDTH = 40

/** `lucihub admin records list|invalidate|validate`. */
export function adminRecordsCommands(shell: Shell): void {
  const within = adminGroup(shell, 'records', 'Records: what runs of a recipe left behind, and what they are worth.')

  define<ListOptions>(shell, {
    name: 'list <recipe>',
    within,
    summary: 'Show the records of a recipe as a table, oldest first.',
    examples: ['admin records list calibrate', 'admin records list calibrate --project lab --csv > calibrate.csv'],
    build: (command) =>
      void command
        .option('--project <slug>', 'only of this project')
        .option('--run-no <number>', 'only of this session', parseCount)
        .option('--limit <count>', 'records per page, 1 to 200 (default: 100)', parseCount)
        .option('--cursor <cursor>', 'the page that the page before named')
        .option('--csv', 'as CSV'),
    async work({ session, args, options: { project, runNo, limit, cursor, csv } }) {
      const recipe = args[0] ?? ''
      const filter: RecordFilter = {
        ...(project !== undefined && { project }),
        ...(runNo !== undefined && { run_no: runNo }),
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      }
      if (csv) {
        const text = await session.client.records.recordsCsv(recipe, filter)
        await session.answer({ csv: text }, text)
        return EXIT.ok
      }
      const page = await session.client.records.records(recipe, filter)
      const titles = ['RUN', 'STATUS', 'VALID', ...page.columns, 'SUMMARY']
      const rows = page.records.map((record) => rowOf(record, page.columns))
      await session.answer(
        page,
        rows.length > 0
          ? table(
              titles.map((title) => ({ title })),
              rows,
            )
          : 'No records.',
      )
      if (page.nextCursor !== null) session.note(`There are more: --cursor ${page.nextCursor}`)
      return EXIT.ok
    },
  })

  for (const { name, valid, summary } of [
    { name: 'invalidate', valid: false, summary: 'Take back that a record is valid: nothing is built on it any more.' },
    { name: 'validate', valid: true, summary: 'Say that a record is valid again.' },
  ])
    define<JudgeOptions>(shell, {
      name: `${name} <run>`,
      within,
      summary,
      examples: [`admin records ${name} 0196f0c4-5f6e-7a01-9d1b-2f6f1c0f7a11 --reason "the probe was loose"`],
      build(command) {
        command.requiredOption('--reason <text>', 'why; it stays on record')
        if (!valid) command.option('--cascade', 'also everything that was made from it')
      },
      async work({ session, args, options: { reason, cascade = false } }) {
        const runId = args[0] ?? ''
        const answer = await session.client.records.setValidity(runId, { valid, reason, cascade })
        const count = answer.changed.length
        const word = valid ? 'valid' : 'not valid'
        const text =
          count === 0
            ? `It was ${word} already.`
            : `${count === 1 ? '1 record is' : `${count} records are`} ${word} now.`
        await session.answer(answer, text)
        return EXIT.ok
      },
    })
}

function rowOf({ runId, result, valid, stale, values }: RecipeRecordResource, columns: readonly string[]): string[] {
  const cell = (value: unknown): string =>
    value === null || value === undefined
      ? ''
      : shorten(typeof value === 'string' ? value : JSON.stringify(value), CELL_WIDTH)
  const worth = `${valid ? 'yes' : 'no'}${stale ? ', stale' : ''}`
  return [runId, result.status, worth, ...columns.map((column) => cell(values[column])), cell(result.summary)]
}
