/**
 * Decides, for each server on its own, where it comes from: the environment's URL, the machine, the private
 * cache, the network. What fails is collected and told in one message, with the ways out.
 *
 * @typedef {object} Kind
 * @property {string} title
 * @property {string} variable Environment variable with the URL of a server that runs already.
 * @property {readonly number[]} atLeast Lowest version that does, most significant first.
 * @property {string} entry Name in the private cache.
 * @property {string} ways What a person can do when all else failed.
 * @property {() => string[]} folders Folders of this machine that hold the programs.
 * @property {(entry: string) => string} cached The programs' folder within a cache entry.
 * @property {(folder: string) => Promise<{ folder: string, version: string }>} inspect Runs the program for its version text.
 * @property {() => Promise<string>} provision Fetches the programs and returns the entry's folder.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.mjs'
import { nats } from './nats.mjs'
import { postgres } from './postgres.mjs'
import { redis } from './redis.mjs'

const KINDS = { postgres, nats, redis }

/** @type {typeof import('./index.d.mts').provide} */
export async function provide({ log = () => {}, ...wanted }) {
  const names = Object.keys(KINDS).filter((name) => wanted[name])
  const results = await Promise.allSettled(
    names.map((name) => obtain(KINDS[name], { own: wanted[name] === 'own', log })),
  )
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.message] : []))
  if (failures.length > 0) throw new Error(failures.join('\n'))
  return Object.fromEntries(names.map((name, index) => [name, results[index].value]))
}

async function obtain(kind, { own, log }) {
  const url = process.env[kind.variable]
  if (url && !own) return { url, source: kind.variable }
  const tried = url ? [] : [`${kind.variable} is not set`]

  const accept = async (folder, source) => {
    try {
      const { version: text } = await kind.inspect(folder)
      const version = /\d+(\.\d+)*/.exec(text.replace(/^.*v=/, ''))?.[0] ?? text.trim()
      if (atLeast(version, kind.atLeast)) return { folder, version, source }
      tried.push(`${folder} holds ${version}, older than ${kind.atLeast.join('.')}`)
    } catch (error) {
      tried.push(error.message)
    }
    return null
  }

  for (const folder of new Set(kind.folders())) {
    const found = await accept(folder, 'machine')
    if (found) return found
  }
  const entry = join(cacheFolder(), kind.entry)
  const cached = existsSync(entry) && (await accept(kind.cached(entry), 'cache'))
  if (cached) return cached
  try {
    const began = performance.now()
    const made = await accept(
      await kind.provision().then((folder) => (folder === entry ? kind.cached(folder) : join(folder, 'bin'))),
      'network',
    )
    if (made) {
      log(`${kind.title} ${made.version} fetched in ${((performance.now() - began) / 1000).toFixed(1)} s`)
      return made
    }
  } catch (error) {
    tried.push(`fetching it: ${error.message}`)
  }
  throw new Error(
    `No usable ${kind.title} was found.\n${tried.map((line) => `  - ${line}`).join('\n')}\n  What you can do: ${kind.ways}.`,
  )
}

function atLeast(version, wanted) {
  const parts = version.split('.').map(Number)
  for (const [index, minimum] of wanted.entries()) {
    const part = parts[index] ?? 0
    if (part !== minimum) return part > minimum
  }
  return true
}
