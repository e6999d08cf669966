/** Runs a command line in this process, as the shell would, and collects what it says. */
import { Readable, Writable } from 'node:stream'
import { lucihub } from '../src/program.ts'
import type { Hub } from './hub.ts'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface InvokeOptions {
  readonly stdin?: string
  readonly env?: NodeJS.ProcessEnv
  readonly home?: string
  /** Called with everything on stderr so far; returning true presses Ctrl-C. */
  readonly interruptWhen?: (stderr: string) => boolean
}

export async function invoke(hub: Hub | null, args: readonly string[], options: InvokeOptions = {}): Promise<Outcome> {
  const interrupt = new AbortController()
  let stdout = ''
  let stderr = ''
  const env = options.env ?? { LUCIHUB_URL: hub?.url, LUCIHUB_API_KEY: 'test-key' }
  const code = await lucihub(args, {
    stdin: Readable.from([options.stdin ?? '']),
    stdout: sink((text) => (stdout += text)),
    stderr: sink((text) => {
      stderr += text
      if (options.interruptWhen?.(stderr)) interrupt.abort()
    }),
    env,
    home: options.home ?? '/nonexistent',
    columns: 80,
    rewritable: false,
    runStore: () => Promise.resolve(null),
    watchInterrupt: () => ({ signal: interrupt.signal, release() {} }),
  })
  return { code, stdout, stderr }
}

function sink(take: (text: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk.toString('utf8'))
      done()
    },
  })
}
