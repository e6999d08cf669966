/**
 * What an operator does with the database while no service has to run: `run-store <command> …`, which `lucihub admin`
 * passes on. Everything else about the hub goes through its HTTP API.
 */
import { parseArgs } from 'node:util'
import { Problem } from '@lucihub/analog'
import { exportArchive } from './archive-export.ts'
import { importArchive } from './archive-import.ts'
import { browse } from './browser.ts'
import { flush } from './flush.ts'
import { fsck } from './fsck.ts'
import { exportHards, importHards, type TreeCount } from './hards.ts'
import { exportLute } from './lute.ts'
import { MIGRATE_ACTIONS, migrateBy, migrationText, type MigrateAction } from './migrate-command.ts'
import { inSession } from './session.ts'
import { columnsOf, rowsOf, summarize, textTable } from './tables.ts'

/** Exit codes as those of `lucihub`. */
const EXIT = { ok: 0, failed: 1, conflict: 4, usage: 64 } as const
const ROWS_DEFAULT = 100
const ROWS_MAX = 100_000

export interface Terminal {
  readonly env: NodeJS.ProcessEnv
  out(text: string): void
  err(text: string): void
}

const USAGE = `Usage: run-store migrate ${MIGRATE_ACTIONS.join('|')} [--json]
       run-store export --project <slug> [--format archive|hards-fs|lute-v1] [--json] <target>
       run-store import [--as <slug>] [--format archive|hards-fs] [--owner <name>] [--json] <source>
       run-store fsck [--repair-index] [--json]
       run-store flush [--json]
       run-store dbview [--table <name> [--where <condition>] | --summarize] [--limit <count>] [--json]
`

const OPTIONS = {
  json: { type: 'boolean', default: false },
  project: { type: 'string', default: '' },
  format: { type: 'string', default: 'archive' },
  as: { type: 'string', default: '' },
  owner: { type: 'string', default: '' },
  'repair-index': { type: 'boolean', default: false },
  table: { type: 'string', default: '' },
  where: { type: 'string', default: '' },
  limit: { type: 'string', default: String(ROWS_DEFAULT) },
  summarize: { type: 'boolean', default: false },
} as const

interface Answer {
  readonly document: unknown
  readonly text: string
  readonly code?: number
}

/** Null: the command line is wrong. */
type Command = (asked: Asked) => Promise<Answer | null>

interface Asked {
  readonly url: string
  readonly env: NodeJS.ProcessEnv
  readonly argument: string
  readonly options: ReturnType<typeof parsed>['values']
}

const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: async ({ url, argument }) => {
    if (!isAction(argument)) return null
    const states = await migrateBy(argument, url)
    return { document: { migrations: states }, text: migrationText(states) }
  },
  export: async ({ url, argument, options: { project, format } }) => {
    if (argument === '' || project === '') return null
    if (format === 'archive') {
      const manifest = await exportArchive(url, { project, dir: argument })
      const text = `${manifest.files.length} files of "${project}", digest ${manifest.digest}.${manifest.leftOut > 0 ? ` ${manifest.leftOut} runs have not ended and are not in it.` : ''}`
      return { document: manifest, text }
    }
    if (format === 'hards-fs') return treeAnswer(await exportHards(url, { project, dir: argument }))
    if (format !== 'lute-v1') return null
    const count = await exportLute(url, { project, file: argument })
    return { document: count, text: `${count.records} records of ${count.tasks} tasks of "${project}".` }
  },
  import: async ({ url, argument, options: { format, as, owner } }) => {
    if (argument === '') return null
    if (format === 'archive') {
      const imported = await importArchive(url, { dir: argument, as: as || null })
      const { project, rows, blobs } = imported
      return { document: imported, text: `Imported "${project}": ${rows} rows and the content of ${blobs} files.` }
    }
    if (format !== 'hards-fs' || as === '' || owner === '') return null
    return treeAnswer(await importHards(url, { dir: argument, slug: as, owner }))
  },
  fsck: async ({ url, options }) => {
    const report = await fsck(url, { repairIndex: options['repair-index'] })
    const { findings, repaired } = report
    const lines = [
      ...findings.map(({ check, what }) => `${check}: ${what}`),
      ...(repaired.length > 0 ? [`The index of parameters of ${repaired.length} runs was made again.`] : []),
      findings.length > 0 ? `${findings.length} things are wrong.` : 'Everything is as it should be.',
    ]
    return { document: report, text: lines.join('\n'), code: findings.length > 0 ? EXIT.failed : EXIT.ok }
  },
  flush: async ({ url, env }) => {
    const redisUrl = env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'
    const flushed = await flush({ databaseUrl: url, redisUrl })
    const { dropped, kept } = flushed
    return { document: flushed, text: `Dropped ${dropped} keys of runs that are over, kept ${kept} of others.` }
  },
  dbview: async ({ url, options: { table, where, limit, summarize: summary, json } }) => {
    const rowsMax = Number(limit)
    if (!Number.isSafeInteger(rowsMax) || rowsMax < 1 || rowsMax > ROWS_MAX) return null
    if (summary) {
      const found = await inSession(url, 'read', (session) => summarize(session, rowsMax))
      const tabs = Object.entries(found.tasks).map(([task, { columns, rows }]) => [task, columns, rows] as const)
      const all = [['Executions', Object.keys(found.executions[0] ?? {}), found.executions] as const, ...tabs]
      const text = all
        .map(([name, columns, rows]) => [`# ${name}`, ...textTable(columns, rows)].join('\n'))
        .join('\n\n')
      return { document: found, text }
    }
    if (table !== '') {
      const rows = await inSession(url, 'read', (session) =>
        rowsOf(session, { table, where, search: '', limit: rowsMax }),
      )
      return { document: { table, rows }, text: textTable(columnsOf(table), rows).join('\n') }
    }
    const { stdin, stdout } = process
    if (json || !stdin.isTTY || !stdout.isTTY) return null
    await browse(url, { stdin, stdout })
    return { document: null, text: '' }
  },
}

/** True for a command line that names a maintenance command; the service itself takes no arguments. */
export function isMaintenance(args: readonly string[]): boolean {
  return args.length > 0
}

/** Gives the exit code. Never rejects. */
export async function maintain(args: readonly string[], terminal: Terminal): Promise<number> {
  const { env } = terminal
  let found: ReturnType<typeof parsed>
  try {
    found = parsed(args)
  } catch {
    // Which option it was, the usage shows best.
    return refuse(terminal, USAGE)
  }
  const [name = '', argument = '', ...more] = found.positionals
  const command = COMMANDS[name]
  if (!command || more.length > 0) return refuse(terminal, USAGE)
  const url = env['DATABASE_URL'] ?? ''
  if (name === 'migrate' && !isAction(argument)) return refuse(terminal, USAGE)
  if (url === '')
    return refuse(terminal, 'DATABASE_URL is not set: set it to postgres://user:password@host:5432/name.\n')
  try {
    const answer = await command({ url, env, argument, options: found.values })
    if (!answer) return refuse(terminal, USAGE)
    const text = found.values.json ? JSON.stringify(answer.document, null, 2) : answer.text
    if (text !== '') terminal.out(`${text}\n`)
    return answer.code ?? EXIT.ok
  } catch (error) {
    terminal.err(`run-store: ${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof Problem && error.type === 'state-conflict' ? EXIT.conflict : EXIT.failed
  }
}

function parsed(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
}

function treeAnswer(count: TreeCount): Answer {
  const { project, datasets, datapoints, files } = count
  return { document: count, text: `"${project}": ${datasets} datasets, ${datapoints} datapoints, ${files} files.` }
}

function isAction(text: string | undefined): text is MigrateAction {
  return (MIGRATE_ACTIONS as readonly (string | undefined)[]).includes(text)
}

function refuse(terminal: Terminal, text: string): number {
  terminal.err(text)
  return EXIT.usage
}
