/** The life of a service as a process: bundled as it is shipped, started, told to stop. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compiler } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

let folder: string
let bundle: string
let nats: PrivateServer
let caller: Bus

interface Child {
  readonly process: ChildProcess
  readonly stdout: string[]
  readonly stderr: string[]
  readonly exit: Promise<number | null>
}

function service(env: Record<string, string>): Child {
  const child = spawn(process.execPath, [bundle], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: string[] = []
  const stderr: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text))
  return {
    process: child,
    stdout,
    stderr,
    exit: once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null)),
  }
}

beforeAll(async () => {
  folder = mkdtempSync(beside('.bundle-')) // beside node_modules, where its packages are found
  bundle = join(folder, 'echo.mjs')
  execFileSync(process.execPath, [beside('bundle.mjs'), beside('echo-main.ts'), bundle])
  nats = await privateNats()
  caller = await Bus.connect({ url: nats.url, name: 'caller' })
})

afterAll(async () => {
  await caller.drain()
  await nats.stop()
  rmSync(folder, { recursive: true })
})

test('SIGTERM lets the call at work finish, then the process ends with 0', async () => {
  const child = service({ NATS_URL: nats.url })
  await until(() => child.stdout.join('').includes('echo works; health at'), { what: 'the service works' })
  const slow = caller.call(compiler.compile, { source: 'slow', opTimeNs: 0, k0: 500 })
  await caller.connection.nats.flush()
  child.process.kill('SIGTERM')
  await expect(slow).resolves.toMatchObject({ diagnostics: [{ message: 'slow' }] })
  await expect(child.exit).resolves.toBe(0)
  const lines = child.stdout
    .join('')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  expect(lines.at(-1)).toMatchObject({ level: 'info', service: 'echo', context: 'Service', msg: 'stopped' })
  expect(child.stderr.join('')).toBe('')
})

test('a bad environment is one message and code 78', async () => {
  const child = service({ LOG_LEVEL: 'loud', HEALTH_PORT: '-1' })
  await expect(child.exit).resolves.toBe(78)
  expect(child.stderr.join('')).toBe(
    [
      'The environment is not usable:',
      '  NATS_URL is not set: set it to a text, or NATS_URL_FILE to a file that holds it.',
      '  HEALTH_PORT is "-1": set it to a whole number from 0 to 65535.',
      '  LOG_LEVEL is "loud": set it to one of trace, debug, info, warn, error, fatal, silent.',
      '',
    ].join('\n'),
  )
  expect(child.stdout.join('')).toBe('')
})
