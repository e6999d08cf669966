/**
 * Children that do not outlive us. A watchdog (a few lines of sh in a session of its own) holds the read end
 * of a pipe: when we end, in whatever way, SIGKILL included, the kernel closes the pipe and the watchdog kills
 * what is still on its list. No signal handler and no platform feature is needed for that.
 * Children's output goes to a file and nothing keeps our event loop alive, so that a forgotten child cannot
 * hang a test runner either.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

const WATCHDOG = `
pids=
while read -r verb pid; do
  case $verb in
    watch) pids="$pids $pid" ;;
    forget) rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
for p in $pids; do kill -KILL "$p" 2>/dev/null; done
`

let watchdog

function watchdogSays(line) {
  if (!watchdog) {
    watchdog = spawn('/bin/sh', ['-c', WATCHDOG], { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] })
    watchdog.unref()
    watchdog.stdin.unref()
    // Without a watchdog we still run; only the promise to reap after SIGKILL is lost.
    watchdog.on('error', () => {})
    watchdog.stdin.on('error', () => {})
  }
  watchdog.stdin.write(`${line}\n`)
}

/**
 * Puts a child on the watchdog's list for as long as it runs.
 * @template {import('node:child_process').ChildProcess} C
 * @param {C} child
 * @returns {C}
 */
export function adopt(child) {
  const { pid } = child
  if (pid === undefined) return child
  watchdogSays(`watch ${pid}`)
  child.once('exit', () => watchdogSays(`forget ${pid}`))
  return child
}

/**
 * Starts a child that dies with us.
 * @param {{ command: string, args: readonly string[], logFile: string, env?: NodeJS.ProcessEnv, cwd?: string, user?: { uid: number, gid: number } }} options
 * @returns {import('./index.d.mts').Child}
 */
export function launch({ command, args, logFile, env = process.env, cwd, user }) {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a', 0o600)
  // Detached: Ctrl-C in a terminal reaches us alone, so that we decide the order in which children stop.
  const child = adopt(spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log], ...user }))
  closeSync(log)
  child.unref()
  let ended = false
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, reason: error.message }))
    child.once('exit', (code, signal) =>
      resolve({ code, signal, reason: signal ? `signal ${signal}` : `exit code ${code}` }),
    )
  }).finally(() => {
    ended = true
  })
  const signal = (name) => {
    if (!ended) child.kill(name)
  }
  return {
    pid: child.pid ?? 0,
    exited,
    running: () => !ended,
    signal,
    async end({ signal: name, graceMs }) {
      signal(name)
      child.ref()
      const timer = setTimeout(() => signal('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
    },
    logTail: (lines = 15) => readTail(logFile, lines),
  }
}

/**
 * Runs a command to its end and returns what it wrote on stdout.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, user?: { uid: number, gid: number } }} [options]
 * @returns {Promise<string>} Rejects with the command, its exit and the end of its stderr.
 */
export async function output(command, args, { timeoutMs = 120_000, user, env = process.env, cwd } = {}) {
  const child = spawn(command, args, { cwd, env, ...user, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => (out += text))
  child.stderr.on('data', (text) => (err += text))
  const [code, signal] = await once(child, 'close')
  if (code === 0) return out
  const why = err.trim().split('\n').slice(-4).join(' | ')
  throw new Error(
    `${[command, ...args].join(' ').slice(0, 160)}: ${signal ?? `exit code ${code}`}${why ? `: ${why}` : ''}`,
  )
}

function readTail(file, lines) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return '' // No log yet: the child never ran.
  }
}
