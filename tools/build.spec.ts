import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { privateDatabase, privateNats, privateRedis, until, type PrivateServer } from '@lucihub/testing'
import { freePort, launch } from './servers/index.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
let away: string
let nats: PrivateServer

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'tools/build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] })
  away = mkdtempSync(join(tmpdir(), 'lucihub-away-'))
  cpSync(join(root, 'dist'), join(away, 'dist'), { recursive: true })
  nats = await privateNats()
}, 120_000)

afterAll(async () => {
  await nats.stop()
  rmSync(away, { recursive: true, force: true })
})

/** A bundle as it runs where there is no checkout and no node_modules; it is ended when the work is done. */
async function running(
  name: string,
  environment: Record<string, string>,
  work: (http: string) => Promise<void>,
): Promise<void> {
  const [health, http] = [await freePort(), await freePort()]
  const child = launch({
    command: process.execPath,
    args: [join(away, 'dist', `${name}.mjs`)],
    cwd: away,
    logFile: join(away, `${name}.log`),
    env: {
      NATS_URL: nats.url,
      HEALTH_PORT: String(health),
      HTTP_PORT: String(http),
      HTTP_HOST: '127.0.0.1',
      ...environment,
    },
  })
  try {
    const ready = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${health}/health/ready`)).ok
    await until(() => !child.running() || ready(), { what: `${name} is ready` })
    expect({ running: child.running(), log: child.running() ? '' : child.logTail() }).toEqual({
      running: true,
      log: '',
    })
    await work(`http://127.0.0.1:${http}`)
  } finally {
    await child.end({ signal: 'SIGTERM', graceMs: 12_000 })
  }
  expect((await child.exited).reason).toBe('exit code 0')
}

test.each(['compiler', 'device-scanner'])('the bundle of %s runs outside the checkout', (name) =>
  running(name, {}, async () => {}),
)

test('the bundle of the hardware-executor runs outside the checkout', () =>
  running('hardware-executor', { EXECUTOR_HOST: 'away' }, async () => {}))

test('the bundle of the run-store makes its tables outside the checkout', async () => {
  const [database, redis] = [await privateDatabase(), await privateRedis()]
  await running('run-store', { DATABASE_URL: database.url, REDIS_URL: redis.url }, async () => {})
  await redis.stop()
  await database.drop()
})

test('the bundle of the api-gateway serves its documentation outside the checkout', () =>
  running('api-gateway', {}, async (http) => {
    for (const path of ['/api/docs', '/api/docs/swagger-ui.css', '/api/docs/swagger-ui-bundle.js', '/openapi.json']) {
      const answer = await fetch(http + path)
      expect({ path, status: answer.status }).toEqual({ path, status: 200 })
    }
  }))
