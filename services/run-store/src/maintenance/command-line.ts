/**
 * What an operator does with the database while no service has to run: `run-store <command> …`, which `lucihub admin`
 * passes on. Everything else about the hub goes through its HTTP API.
 */
import { MIGRATE_ACTIONS, migrateBy, migrationText, type MigrateAction } from './migrate-command.ts'

/** Exit codes as those of `lucihub`. */
const EXIT = { ok: 0, failed: 1, usage: 64 } as const

export interface Terminal {
  readonly env: NodeJS.ProcessEnv
  out(text: string): void
  err(text: string): void
}

const USAGE = `Usage: run-store migrate ${MIGRATE_ACTIONS.join('|')} [--json]\n`

/** True for a command line that names a maintenance command; the service itself takes no arguments. */
export function isMaintenance(args: readonly string[]): boolean {
  return args.length > 0
}

/** Gives the exit code. Never rejects. */
export async function maintain(args: readonly string[], terminal: Terminal): Promise<number> {
  const json = args.includes('--json')
  const [command, action] = args.filter((arg) => !arg.startsWith('--'))
  const url = terminal.env['DATABASE_URL'] ?? ''
  if (command !== 'migrate' || !isAction(action)) return refuse(terminal, USAGE)
  if (url === '')
    return refuse(terminal, 'DATABASE_URL is not set: set it to postgres://user:password@host:5432/name.\n')
  try {
    const states = await migrateBy(action, url)
    terminal.out(json ? `${JSON.stringify({ migrations: states }, null, 2)}\n` : `${migrationText(states)}\n`)
    return EXIT.ok
  } catch (error) {
    terminal.err(`run-store: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT.failed
  }
}

function isAction(text: string | undefined): text is MigrateAction {
  return (MIGRATE_ACTIONS as readonly (string | undefined)[]).includes(text)
}

function refuse(terminal: Terminal, text: string): number {
  terminal.err(text)
  return EXIT.usage
}
