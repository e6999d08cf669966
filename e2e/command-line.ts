/** `lucihub` as a person runs it, against the hub of a spec. */
import { spawn } from 'node:child_process'
import type { RunningHub } from './running-hub.ts'

export interface Told {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line; `input` is what stdin holds. */
export function lucihub({ hub }: RunningHub, args: readonly string[], { input = '' } = {}): Promise<Told> {
  return new Promise((resolve) => {
    const env = { ...process.env, LUCIHUB_URL: hub.url, LUCIHUB_API_KEY: hub.apiKey }
    const child = spawn(process.execPath, ['dist/cli.mjs', ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => (stdout += text))
    child.stderr.on('data', (text) => (stderr += text))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })
}
