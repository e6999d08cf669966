/**
 * Redis: from the machine, else Debian's own packages unpacked into the cache (which needs no root), else Homebrew.
 * It is a cache here: nothing is written to disk.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { makeEntry } from './cache.mjs'
import { output } from './child.mjs'
import { external, serve } from './server.mjs'

const PACKAGES = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2']

/** @type {import('./provide.mjs').Kind} */
export const redis = {
  title: 'Redis',
  variable: 'REDIS_URL',
  atLeast: [7],
  entry: `redis-debian-${process.platform}-${process.arch}`,
  ways: 'install Redis 7 or newer, or set REDIS_URL to a server of your own',

  folders: () =>
    (process.env.PATH ?? '').split(delimiter).filter((folder) => folder && existsSync(join(folder, 'redis-server'))),

  cached: (entry) => join(entry, 'usr/bin'),

  async inspect(folder) {
    const env = environment(folder)
    return { folder, version: await output(join(folder, 'redis-server'), ['--version'], { env }) }
  },

  async provision() {
    if (process.platform === 'darwin') {
      await output('brew', ['install', 'redis'], { timeoutMs: 600_000 })
      return output('brew', ['--prefix', 'redis']).then((prefix) => prefix.trim())
    }
    return makeEntry(this.entry, async (folder) => {
      const debs = join(folder, '.debs')
      mkdirSync(debs)
      await download(debs)
      for (const file of readdirSync(debs).filter((name) => name.endsWith('.deb')))
        await output('dpkg-deb', ['-x', join(debs, file), folder])
      await output('rm', ['-rf', debs])
    })
  },
}

/** With the machine's package lists, or, where it has none or stale ones, with lists fetched into a folder of ours. */
async function download(folder) {
  try {
    await output('apt-get', ['download', ...PACKAGES], { cwd: folder })
  } catch {
    const own = [
      '-o',
      `Dir::State::lists=${join(folder, 'lists')}`,
      '-o',
      `Dir::Cache=${join(folder, 'cache')}`,
      '-o',
      'APT::Sandbox::User=',
    ]
    mkdirSync(join(folder, 'lists/partial'), { recursive: true })
    mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true })
    await output('apt-get', [...own, 'update'], { cwd: folder })
    await output('apt-get', [...own, 'download', ...PACKAGES], { cwd: folder })
  }
}

/** @type {typeof import('./index.d.mts').startRedis} */
export async function startRedis({ binaries, dir, port }) {
  const found = binaries.redis
  if (!found) throw new Error('These binaries hold no Redis: ask provide({ redis: true }).')
  if ('url' in found) return external(found.url)
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'redis.conf')
  const password = randomBytes(18).toString('hex')
  return serve({
    name: 'redis',
    dir,
    port,
    command: (onPort) => {
      const settings = [
        'bind 127.0.0.1',
        `port ${onPort}`,
        `dir ${JSON.stringify(dir)}`,
        'save ""',
        'appendonly no',
        `requirepass ${password}`,
      ]
      writeFileSync(file, settings.join('\n') + '\n', { mode: 0o600 })
      return { command: join(found.folder, 'redis-server'), args: [file], env: environment(found.folder) }
    },
    greeting: `AUTH ${password}\r\n`,
    ready: (answer) => answer.toString('latin1').startsWith('+OK'),
    url: (onPort) => `redis://:${password}@127.0.0.1:${onPort}`,
    stopSignal: 'SIGTERM',
  })
}

/** Debian's packages keep their libraries in ../lib/<triplet>, which the loader does not search on its own. */
function environment(folder) {
  const libraries = join(folder, '../lib')
  if (!folder.includes(redis.entry) || !existsSync(libraries)) return process.env
  return {
    ...process.env,
    LD_LIBRARY_PATH: readdirSync(libraries)
      .map((triplet) => join(libraries, triplet))
      .join(delimiter),
  }
}
