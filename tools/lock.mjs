/**
 * A lock between processes of one checkout: a file that names its holder. A holder that is gone loses it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, root } from './session.mjs'

const POLL_MS = 100

/**
 * Takes the lock and returns the function that gives it back.
 * @param {string} name
 * @param {{ wait: boolean }} options With `wait: false` a held lock is an error that names the holder.
 */
export async function lock(name, { wait }) {
  const folder = join(root, '.lucihub')
  const file = join(folder, `${name}.lock`)
  mkdirSync(folder, { recursive: true })
  let told = false
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      let held = true
      return () => {
        if (held) rmSync(file, { force: true })
        held = false // Afterwards the file is somebody else's.
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = Number(readHolder(file))
    if (holder && !isRunning(holder)) rmSync(file, { force: true })
    else if (!wait) throw new Error(`Process ${holder} holds ${file}: the same command runs already in this checkout.`)
    else {
      if (!told) console.log(`waiting for process ${holder}, which holds ${name}.lock`)
      told = true
      await sleep(POLL_MS)
    }
  }
}

function readHolder(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // Given back meanwhile.
  }
}
