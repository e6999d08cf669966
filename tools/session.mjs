/**
 * One command from its beginning to its end: what was started is put away in reverse order, whether the work
 * returns, throws or is interrupted. A second signal ends at once; then, and after SIGKILL, the children's watchdog
 * (tools/servers/child.mjs) puts them away instead of us.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adopt } from './servers/child.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/**
 * @typedef {object} Session
 * @property {(ending: () => unknown) => void} defer Runs at the end, last deferred first.
 * @property {(title: string, work: (say: (detail: string) => void) => Promise<unknown>) => Promise<any>} step One line of progress with its seconds.
 * @property {(command: string, args: readonly string[], options?: { env?: object, quiet?: boolean }) => Promise<{ code: number, text: string }>} run A program in the foreground; `quiet` keeps its output as text.
 * @property {() => string} privateFolder A folder under .lucihub that goes with us.
 */

/**
 * @param {(session: Session) => Promise<number>} work
 * @returns {Promise<number>} The work's exit code, or the one of the signal that interrupted it.
 */
export async function session(work) {
  const endings = []
  const defer = (ending) => endings.push(ending)
  const interrupted = new Promise((resolve) => {
    for (const [signal, code] of Object.entries(EXIT_CODES)) {
      process.once(signal, () => {
        console.log(`\n${signal}: stopping`)
        process.once(signal, () => process.exit(code))
        resolve(code)
      })
    }
  })
  try {
    return await Promise.race([
      work({ defer, step, run: foreground(defer), privateFolder: () => privateFolder(defer) }),
      interrupted,
    ])
  } finally {
    for (const ending of endings.reverse())
      await Promise.resolve(ending()).catch((error) => console.error(error.message))
  }
}

async function step(title, work) {
  const began = performance.now()
  let detail = ''
  process.stdout.write(`${title.padEnd(28)} `)
  try {
    const result = await work((text) => (detail = text))
    process.stdout.write(`${seconds(began)}  ${detail}`.trimEnd() + '\n')
    return result
  } catch (error) {
    process.stdout.write(`${seconds(began)}  failed\n`)
    throw error
  }
}

const seconds = (began) => `${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`

function foreground(defer) {
  return async (command, args, { env = process.env, quiet = false } = {}) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit']
    const child = adopt(spawn(command, args, { cwd: root, env, stdio }))
    let text = ''
    child.stdout?.on('data', (chunk) => (text += chunk))
    child.stderr?.on('data', (chunk) => (text += chunk))
    const ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: 127, text: `${command}: ${error.message}` }))
      child.once('close', (code) => resolve({ code: code ?? 1, text }))
    })
    defer(() => {
      if (child.exitCode !== null || child.signalCode !== null) return undefined
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
      return ended
    })
    return ended
  }
}

/** Folders of sessions that were killed are removed by the next one. */
function privateFolder(defer) {
  const base = join(root, '.lucihub')
  for (const name of existsSync(base) ? readdirSync(base) : []) {
    const pid = /^run-(\d+)$/.exec(name)?.[1]
    if (pid && !isRunning(Number(pid))) rmSync(join(base, name), { recursive: true, force: true })
  }
  const folder = join(base, `run-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  defer(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** @param {number} pid */
export function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM' // It runs, and is somebody else's.
  }
}
