/** What the command line has around it, handed in so that tests run the very program without a process. */
import type { Readable, Writable } from 'node:stream'

export interface Surroundings {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: NodeJS.ProcessEnv
  /** The user's home directory. */
  readonly home: string
  /** Characters per line. */
  readonly columns: number
  /** True when stderr is a terminal, whose lines can be rewritten. */
  readonly rewritable: boolean
  /**
   * Runs the run-store program that lies beside this one with these arguments, on this terminal; gives its exit code, or
   * null when there is none here.
   */
  runStore(args: readonly string[]): Promise<number | null>
  /** Takes Ctrl-C over: from now until `release` it fires the signal and does not end the process. */
  watchInterrupt(): { readonly signal: AbortSignal; release(): void }
}
