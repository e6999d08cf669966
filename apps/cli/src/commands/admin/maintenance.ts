/** Commands that the run-store program does on the database: nothing else knows the tables. */
import { group, defineLocal, type Shell } from '../../command.ts'

const NEEDS = 'Needs DATABASE_URL.'

const admin = ({ program }: Shell) => group(program, 'admin', 'Look after the hub: for its administrators.')

interface ExportOptions {
  readonly project: string
  readonly format: string
  readonly json?: boolean
}

function exportCommand(shell: Shell): void {
  defineLocal<ExportOptions>(shell, {
    name: 'export <target>',
    within: admin(shell),
    summary: `Write a project to a directory, or a file for lute-v1. ${NEEDS}`,
    examples: [
      'admin export --project oscillators /backup/oscillators',
      'admin export --project oscillators --format hards-fs /data/tree',
      'admin export --project oscillators --format lute-v1 lute.db',
    ],
    build: (command) =>
      void command
        .requiredOption('--project <slug>', 'which project')
        .option('--format <format>', 'archive (everything), hards-fs (tree and files) or lute-v1 (records)', 'archive')
        .option('--json', 'print one JSON document instead of text'),
    program: ({ args: [target = ''], options: { project, format, json } }) => [
      'export',
      `--project=${project}`,
      `--format=${format}`,
      ...(json ? ['--json'] : []),
      target,
    ],
  })
}

interface ImportOptions {
  readonly as?: string
  readonly owner?: string
  readonly format: string
  readonly json?: boolean
}

function importCommand(shell: Shell): void {
  defineLocal<ImportOptions>(shell, {
    name: 'import <source>',
    within: admin(shell),
    summary: `Read a project that was exported, into a hub that has none of this name. ${NEEDS}`,
    examples: [
      'admin import /backup/oscillators',
      'admin import --as oscillators-2 /backup/oscillators',
      'admin import --format hards-fs --as tree --owner admin /data/tree',
    ],
    build: (command) =>
      void command
        .option('--as <slug>', 'call the project like this (hards-fs: needed)')
        .option('--owner <name>', 'hards-fs: the local user whose project it will be')
        .option('--format <format>', 'archive or hards-fs', 'archive')
        .option('--json', 'print one JSON document instead of text'),
    program: ({ args: [source = ''], options: { as, owner, format, json } }) => [
      'import',
      `--format=${format}`,
      ...(as === undefined ? [] : [`--as=${as}`]),
      ...(owner === undefined ? [] : [`--owner=${owner}`]),
      ...(json ? ['--json'] : []),
      source,
    ],
  })
}

function fsckCommand(shell: Shell): void {
  defineLocal<{ readonly repairIndex?: boolean; readonly json?: boolean }>(shell, {
    name: 'fsck',
    within: admin(shell),
    summary: `Read everything that is stored again and compare it with its digests; exit code 1 when something is wrong. ${NEEDS}`,
    examples: ['admin fsck', 'admin fsck --repair-index', 'admin fsck --json'],
    build: (command) =>
      void command
        .option('--repair-index', 'make the index of parameters again from the runs')
        .option('--json', 'print one JSON document instead of text'),
    program: ({ options: { repairIndex, json } }) => [
      'fsck',
      ...(repairIndex ? ['--repair-index'] : []),
      ...(json ? ['--json'] : []),
    ],
  })
}

function flushCommand(shell: Shell): void {
  defineLocal<{ readonly json?: boolean }>(shell, {
    name: 'flush',
    within: admin(shell),
    summary: 'Drop from Redis what belongs to runs that are over and stored. Needs DATABASE_URL and REDIS_URL.',
    examples: ['admin flush', 'admin flush --json'],
    build: (command) => void command.option('--json', 'print one JSON document instead of text'),
    program: ({ options: { json } }) => ['flush', ...(json ? ['--json'] : [])],
  })
}

interface ViewOptions {
  readonly table?: string
  readonly where?: string
  readonly limit?: string
  readonly summarize?: boolean
  readonly json?: boolean
}

/** `lucihub dbview` and `lucihub admin dbview`. */
function dbviewCommand(shell: Shell, within: ReturnType<typeof admin> | undefined): void {
  defineLocal<ViewOptions>(shell, {
    name: 'dbview',
    ...(within && { within }),
    summary: `Look at the tables, read only: a browser in the terminal, or with --table rows as text or JSON. ${NEEDS}`,
    examples: [
      'dbview',
      'admin dbview --table run --limit 20 --json',
      `admin dbview --table run --where "state=FAILED"`,
      'admin dbview --summarize --json',
    ],
    build: (command) =>
      void command
        .option('--table <name>', 'print the rows of this table and end')
        .option('--where <condition>', 'only rows with <column>=<value>, or <column>~<text> for a part of it')
        .option('--limit <count>', 'rows at most (default: 100)')
        .option('--summarize', 'print executions, and per recipe its parameters as columns')
        .option('--json', 'print one JSON document instead of text'),
    program: ({ options: { table, where, limit, summarize, json } }) => [
      'dbview',
      ...(table === undefined ? [] : [`--table=${table}`]),
      ...(where === undefined ? [] : [`--where=${where}`]),
      ...(limit === undefined ? [] : [`--limit=${limit}`]),
      ...(summarize ? ['--summarize'] : []),
      ...(json ? ['--json'] : []),
    ],
  })
}

export const maintenanceCommands: readonly ((shell: Shell) => void)[] = [
  exportCommand,
  importCommand,
  fsckCommand,
  flushCommand,
  (shell) => dbviewCommand(shell, admin(shell)),
  (shell) => dbviewCommand(shell, undefined),
]
