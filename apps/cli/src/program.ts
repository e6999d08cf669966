/** The program: its commands, and what becomes of whatever goes wrong in them. */
import { Command, CommanderError } from 'commander'
import type { Shell } from './command.ts'
import { adminAuditCommands } from './commands/admin/audit.ts'
import { adminDevicesCommands } from './commands/admin/devices.ts'
import { adminKeysCommands } from './commands/admin/keys.ts'
import { maintenanceCommands } from './commands/admin/maintenance.ts'
import { adminMigrateCommand } from './commands/admin/migrate.ts'
import { adminPoolsCommands } from './commands/admin/pools.ts'
import { adminRunsCommands } from './commands/admin/runs.ts'
import { adminShardsCommands } from './commands/admin/shards.ts'
import { adminRecordsCommands } from './commands/admin/records.ts'
import { adminUsersCommands } from './commands/admin/users.ts'
import { cancelCommand } from './commands/cancel.ts'
import { compareCommand } from './commands/compare.ts'
import { compileCommand } from './commands/compile.ts'
import { devicesCommand } from './commands/devices.ts'
import { inspectCommand } from './commands/inspect.ts'
import { logsCommand } from './commands/logs.ts'
import { recipesCommands } from './commands/records/recipes.ts'
import { resultsCommand } from './commands/results.ts'
import { runCommand } from './commands/run.ts'
import { runsCommand } from './commands/runs.ts'
import { showCommand } from './commands/show.ts'
import { statusCommand } from './commands/status.ts'
import { datapointsCommands } from './commands/tree/datapoints.ts'
import { datasetsCommands } from './commands/tree/datasets.ts'
import { filesCommands } from './commands/tree/files.ts'
import { projectsCommands } from './commands/tree/projects.ts'
import { waitCommand } from './commands/wait.ts'
import { EXIT, exitCodeOfFailure } from './exit.ts'
import { failureDocument, failureText } from './show/failure.ts'
import type { Surroundings } from './surroundings.ts'
import { systemCode } from './system-error.ts'

const EXIT_CODES = `
Exit codes:
  0    done; the run completed
  1    the run failed, the program does not compile, the circuit has faults, or the compared runs differ
  2    the run was canceled
  3    the hub refused the request or cannot be reached
  4    the state does not allow it
  64   the command line is wrong
  124  the run had not ended within --timeout
  130  interrupted; a run that was followed goes on
`

/** Runs one command line (without the program's name) and gives its exit code. Never rejects. */
export async function lucihub(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings
  const program = new Command('lucihub')
    .description('Run equations on analog computers, through a LuciHub.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: (text) => void stderr.write(text) })
    .addHelpText('after', EXIT_CODES)
  const shell: Shell = { program, surroundings, exitCode: EXIT.ok }
  const commands = [
    statusCommand,
    devicesCommand,
    compileCommand,
    inspectCommand,
    runCommand,
    runsCommand,
    showCommand,
    logsCommand,
    waitCommand,
    cancelCommand,
    resultsCommand,
    compareCommand,
    projectsCommands,
    datasetsCommands,
    datapointsCommands,
    filesCommands,
    adminUsersCommands,
    adminPoolsCommands,
    adminRecordsCommands,
    recipesCommands,
    adminDevicesCommands,
    adminKeysCommands,
    adminAuditCommands,
    adminRunsCommands,
    adminShardsCommands,
    adminMigrateCommand,
    ...maintenanceCommands,
  ]
  for (const add of commands) add(shell)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return shell.exitCode
  } catch (failure) {
    const json = args.includes('--json')
    if (failure instanceof CommanderError) {
      if (failure.exitCode === 0) return EXIT.ok
      if (json)
        stdout.write(
          `${JSON.stringify({ error: { type: 'usage', title: failure.message, detail: failure.message } })}\n`,
        )
      return EXIT.usage
    }
    if (isBrokenPipe(failure)) return EXIT.ok
    stderr.write(`${failureText(failure)}\n`)
    if (json) stdout.write(`${JSON.stringify(failureDocument(failure), null, 2)}\n`)
    return exitCodeOfFailure(failure)
  }
}

/** The reader of our output has had enough (`| head`): no failure. */
export function isBrokenPipe(failure: unknown): boolean {
  return systemCode(failure) === 'EPIPE'
}
