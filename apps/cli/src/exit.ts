/** What the exit code says. Scripts rely on these: never change one. */
import { Problem, type RunState } from '@lucihub/analog'
import { TransportError } from '@lucihub/sdk'

export const EXIT = {
  ok: 0,
  /** The run failed, the program does not compile, or something else went wrong here. */
  failed: 1,
  canceled: 2,
  /** The hub refused or could not be reached. */
  api: 3,
  /** The state does not allow it (409). */
  conflict: 4,
  /** The command line is wrong (EX_USAGE of sysexits.h). */
  usage: 64,
  /** `--timeout` passed before the run ended, as with timeout(1). */
  timeout: 124,
  /** Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
} as const

export function exitCodeOfState(state: RunState): number {
  if (state === 'COMPLETED') return EXIT.ok
  return state === 'CANCELED' ? EXIT.canceled : EXIT.failed
}

export function exitCodeOfFailure(failure: unknown): number {
  if (failure instanceof TransportError) return EXIT.api
  if (!(failure instanceof Problem)) return EXIT.failed
  if (failure.type === 'compilation-failed') return EXIT.failed
  return failure.status === 409 ? EXIT.conflict : EXIT.api
}
