/**
 * The private cache of server binaries. An entry is made in a folder of its own beside its place and then renamed
 * there: it is complete or absent, and two processes that make it at once do not disturb each other.
 */
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { output } from './child.mjs'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/**
 * The first of `$LUCIHUB_CACHE`, `~/.cache/lucihub` and `.lucihub/cache` in the checkout that can be written. For root
 * it is /var/cache, since what root fetches may have to be run by nobody, who cannot look into root's home.
 */
export function cacheFolder() {
  const home = process.getuid?.() === 0 ? '/var/cache/lucihub' : join(homedir(), '.cache/lucihub')
  const candidates = [process.env.LUCIHUB_CACHE, home, join(repository, '.lucihub/cache')].filter(Boolean)
  const folder = candidates.find(writable)
  if (folder === undefined)
    throw new Error(
      `No folder for downloaded servers can be written: tried ${candidates.join(', ')}. Set LUCIHUB_CACHE to one that can.`,
    )
  return folder
}

function writable(folder) {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false // The next candidate may do.
  }
}

/**
 * Makes a cache entry.
 * @param {string} name The entry's folder name; holds the version.
 * @param {(folder: string) => Promise<void>} fill Puts the content into an empty folder.
 * @returns {Promise<string>} The entry's folder.
 */
export async function makeEntry(name, fill) {
  const cache = cacheFolder()
  const entry = join(cache, name)
  const draft = mkdtempSync(join(cache, '.draft-'))
  try {
    await fill(draft)
    chmodSync(draft, 0o755)
    try {
      renameSync(draft, entry)
    } catch (error) {
      if (!existsSync(entry)) throw error // Otherwise another process was first, with the same content.
    }
    return entry
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/**
 * Unpacks an npm package into `folder` without installing it: none of its scripts run and no lockfile lists it.
 * @param {{ spec: string, integrity: string | undefined, folder: string }} options `integrity`: the pinned
 *   sha512 in npm's notation; without one npm's own check against the registry has to do.
 */
export async function unpackNpm({ spec, integrity, folder }) {
  const draft = mkdtempSync(join(folder, '.pack-'))
  await output(
    'npm',
    ['pack', spec, '--json', '--loglevel=error', `--cache=${join(draft, 'npm')}`, `--pack-destination=${draft}`],
    { cwd: draft, timeoutMs: 300_000 },
  ).then((text) => {
    const tarball = join(draft, JSON.parse(text)[0].filename)
    const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (integrity && found !== integrity)
      throw new Error(`${spec} is not the pinned package: its hash is ${found}, expected ${integrity}`)
    return output('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder])
  })
  rmSync(draft, { recursive: true, force: true })
}
