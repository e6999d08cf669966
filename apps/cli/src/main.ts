/** The process around the program. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
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
  runStore,
  watchInterrupt,
})

function runStore(args: readonly string[]): Promise<number | null> {
  const program = fileURLToPath(new URL('./run-store.mjs', import.meta.url))
  if (!existsSync(program)) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [program, ...args], { stdio: 'inherit' })
      .on('error', reject)
      .on('close', (code) => resolve(code ?? 1))
  })
}

function watchInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  process.once('SIGINT', abort)
  return { signal: controller.signal, release: () => void process.off('SIGINT', abort) }
}
