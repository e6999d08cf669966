/**
 * What all commands share: `--url`, `--json`, examples in the help, a session with the hub, and how an answer is
 * printed. With `--json` stdout holds exactly one JSON document; all else goes to stderr.
 */
import { once } from 'node:events'
import { createClient, type Client } from '@lucihub/sdk'
import type { Command } from 'commander'
import { KEY_MISSING, loadConfig } from './config.ts'
import { EXIT } from './exit.ts'
import type { Surroundings } from './surroundings.ts'

export interface Session {
  readonly client: Client
  readonly json: boolean
  readonly surroundings: Surroundings
  /** Prints the document with `--json`, else the text. Call it once. */
  answer(document: unknown, text: string): Promise<void>
  /** A line on stderr. */
  note(text: string): void
  /** Ends with exit code 64. */
  usage(message: string): never
}

export interface Invocation<Options> {
  readonly session: Session
  readonly args: readonly string[]
  readonly options: Options
}

interface CommonOptions {
  readonly url?: string
  readonly json?: boolean
}

/** Where commands are added, and where the exit code ends up. */
export interface Shell {
  readonly program: Command
  readonly surroundings: Surroundings
  exitCode: number
}

export interface Definition<Options> {
  /** Name and arguments, as commander writes them: `show <id>`. */
  readonly name: string
  readonly summary: string
  /** Command lines, without `lucihub`. */
  readonly examples: readonly string[]
  /** The group it belongs to, see {@link group}; left out: none. */
  readonly within?: Command
  build?(command: Command): void
  /** Gives the exit code. */
  work(invocation: Invocation<Options>): Promise<number>
}

/** A group of commands, as `admin` or `admin users`; there is one of each name. */
export function group(parent: Command, name: string, summary: string): Command {
  return parent.commands.find((command) => command.name() === name) ?? parent.command(name).description(summary)
}

/** Adds a command. */
export function define<Options>(
  shell: Shell,
  { name, summary, examples, within, build, work }: Definition<Options>,
): void {
  const command = (within ?? shell.program).command(name).description(summary)
  build?.(command)
  command
    .option('--url <url>', 'where the hub answers (default: LUCIHUB_URL or http://127.0.0.1:8080)')
    .option('--json', 'print one JSON document instead of text')
    .addHelpText('after', exampleLines(examples))
    .action(async () => {
      const options = command.opts<Options & CommonOptions>()
      const session = openSession(command, options, shell.surroundings)
      shell.exitCode = await work({ session, args: command.args, options })
    })
}

/** A command that works on the database instead of through the hub: what it asks of the run-store program. */
export interface LocalDefinition<Options extends object> extends Omit<Definition<Options>, 'work'> {
  program(invocation: { readonly args: readonly string[]; readonly options: Options }): readonly string[]
}

/** Adds such a command. */
export function defineLocal<Options extends object>(
  shell: Shell,
  { name, summary, examples, within, build, program }: LocalDefinition<Options>,
): void {
  const command = (within ?? shell.program).command(name).description(summary)
  build?.(command)
  command.addHelpText('after', exampleLines(examples)).action(async () => {
    const code = await shell.surroundings.runStore(program({ args: command.args, options: command.opts<Options>() }))
    if (code === null)
      command.error('The run-store program is not here: run this where the run-store is installed.', {
        exitCode: EXIT.usage,
      })
    else shell.exitCode = code
  })
}

function exampleLines(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  lucihub ${example}`).join('\n')}\n`
}

function openSession(command: Command, options: CommonOptions, surroundings: Surroundings): Session {
  const { env, home, stdout, stderr } = surroundings
  const usage = (message: string): never => command.error(message, { exitCode: EXIT.usage })
  const config = loadConfig(env, { url: options.url, home })
  if (config.apiKey === '') usage(KEY_MISSING)
  if (!URL.canParse(config.url)) usage(`'${config.url}' is not a URL.`)
  const json = options.json ?? false
  return {
    client: createClient(config),
    json,
    surroundings,
    async answer(document, text) {
      const shown = json ? JSON.stringify(document, null, 2) : text
      if (!stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`)) await once(stdout, 'drain')
    },
    note: (text) => void stderr.write(`${text}\n`),
    usage,
  }
}
