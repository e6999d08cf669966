/** The process around the program. */
import { homedir } from 'node:os'
import { isBrokenPipe, lucihub } from './program.ts'

const { stdin, stdout, stderr, env, argv } = process

for (const stream of [stdout, stderr]) {
  stream.on('error', (failure) => {
    if (!isBrokenPipe(failure)) throw failure
    process.exit(process.exitCode ?? 0)
  })
}

process.exitCode = await lucihub(argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  home: homedir(),
  columns: stdout.columns || stderr.columns || 80,
  rewritable: stderr.isTTY,
  watchInterrupt,
})

function watchInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  process.once('SIGINT', abort)
  return { signal: controller.signal, release: () => void process.off('SIGINT', abort) }
}
