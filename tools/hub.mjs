/**
 * The whole hub on this machine: the three servers, one process per service from its bundle, and virtual devices.
 * Used by `start`, `demo`, the end-to-end tests and the benchmarks, so that all of them see the same thing.
 * Ports are chosen beforehand and kept: a process that is restarted comes back where it was.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, launch, provide, startNats, startPostgres, startRedis } from './servers/index.mjs'
import { root } from './session.mjs'

const READY_TIMEOUT_MS = 60_000
/** Longer than the 10 s that a service gives itself to drain. */
const STOP_GRACE_MS = 12_000
const POLL_MS = 50

export const VIRTUAL_DEVICES = [
  { name: 'virtual-lucidac', pace: 'real-time', class: 'lucidac' },
  { name: 'virtual-simulator', pace: 'fast', class: 'simulator' },
]

/** @type {typeof import('./hub.d.mts').startHub} */
export async function startHub(options) {
  const { dir, devices = VIRTUAL_DEVICES, durable = true, httpPort, httpHost = '127.0.0.1', replicas = {} } = options
  const bundles = options.bundles ?? join(root, 'dist')
  const binaries = options.binaries ?? (await provide({ postgres: 'own', nats: 'own', redis: 'own' }))
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const servers = {}
  const processes = {}
  const stop = async () => {
    // Services before servers: what they still have to say needs somewhere to go.
    await Promise.all(Object.values(processes).map((process_) => process_.stop()))
    await Promise.all(Object.values(servers).map((server) => server.stop()))
  }
  try {
    await Promise.all([
      startPostgres({ binaries, dir: join(dir, 'postgres'), durable, settings: options.postgresSettings ?? {} }).then(
        (server) => (servers.postgres = server),
      ),
      startNats({ binaries, dir: join(dir, 'nats'), syncAlways: durable }).then((server) => (servers.nats = server)),
      startRedis({ binaries, dir: join(dir, 'redis') }).then((server) => (servers.redis = server)),
    ])
    const http = httpPort ?? (await freePort())
    const keyFile = join(dir, 'api-key')
    const listFile = join(dir, 'devices.txt')
    const { environment = {} } = options
    const more = typeof environment === 'function' ? await environment(servers) : environment
    const environments = services({ servers, http, httpHost, keyFile, listFile, journalDir: join(dir, 'journal') })
    const specs = [
      ...(await virtualDevices({ devices, listFile, dir })),
      ...(await Promise.all(Object.entries(environments).flatMap(replicated))),
    ]
    await Promise.all(
      specs.map(async ({ name, bundle, args, env, healthUrl }) => {
        const file = join(bundles, `${bundle}.mjs`)
        if (!existsSync(file)) throw new Error(`${file} is missing: build first (npm run demo does).`)
        processes[name] = managed({
          name,
          file,
          args,
          env: { ...process.env, ...env, ...more[name] },
          logFile: join(dir, 'logs', `${name}.log`),
          healthUrl,
        })
        await processes[name].ready()
      }),
    )
    const url = `http://127.0.0.1:${http}`
    const apiKey = readFileSync(keyFile, 'utf8').trim()
    await devicesReady({ url, apiKey, names: devices.map(({ name }) => name) })
    return { url, apiKey, keyFile, dir, servers, processes, stop }
  } catch (error) {
    await stop()
    throw error
  }

  /** The first keeps the service's name, the others are `<name>-2` and so on. */
  function replicated([name, env]) {
    const count = replicas[name] ?? 1
    return Array.from({ length: count }, (_, index) => service(index === 0 ? name : `${name}-${index + 1}`, name, env))
  }

  async function service(name, bundle, env) {
    const port = await freePort()
    return {
      name,
      bundle,
      args: [],
      env: { LOG_LEVEL: process.env.LOG_LEVEL ?? 'info', ...env, HEALTH_PORT: String(port) },
      healthUrl: `http://127.0.0.1:${port}/health/ready`,
    }
  }
}

function services({ servers, http, httpHost, keyFile, listFile, journalDir }) {
  const NATS_URL = servers.nats.url
  return {
    'run-store': {
      NATS_URL,
      DATABASE_URL: servers.postgres.url,
      REDIS_URL: servers.redis.url,
      FIRST_KEY_FILE: keyFile,
    },
    compiler: { NATS_URL },
    'device-scanner': { NATS_URL, DEVICE_LIST_FILE: listFile, DEVICE_MDNS: process.env.DEVICE_MDNS ?? 'off' },
    'hardware-executor': { NATS_URL, EXECUTOR_HOST: 'local', EXECUTOR_DEVICES: '*', JOURNAL_DIR: journalDir },
    'api-gateway': { NATS_URL, HTTP_PORT: String(http), HTTP_HOST: httpHost },
  }
}

/** One process per device; the scanner finds them by a list file. */
async function virtualDevices({ devices, listFile }) {
  const placed = await Promise.all(devices.map(async (device) => ({ ...device, port: await freePort() })))
  writeFileSync(
    listFile,
    placed
      .map(
        ({ name, port, class: kind }) => `127.0.0.1:${port} name=${name}${kind === 'simulator' ? ' simulator' : ''}\n`,
      )
      .join(''),
  )
  return placed.map(({ name, port, pace, class: kind }) => ({
    name,
    bundle: 'virtual-lucidac',
    args: ['--name', name, '--port', String(port), '--pace', pace, '--class', kind],
    env: {},
    healthUrl: null,
  }))
}

/** @returns {import('./hub.d.mts').HubProcess & { ready(): Promise<void> }} */
function managed({ name, file, args, env, logFile, healthUrl }) {
  const begin = (more = {}) =>
    launch({ command: process.execPath, args: [file, ...args], env: { ...env, ...more }, logFile })
  let child = begin()
  const self = {
    get pid() {
      return child.pid
    },
    logFile,
    healthUrl,
    exited: () => child.exited,
    running: () => child.running(),
    logTail: (lines) => child.logTail(lines),
    stop: () => child.end({ signal: 'SIGTERM', graceMs: STOP_GRACE_MS }),
    kill: () => child.end({ signal: 'SIGKILL', graceMs: STOP_GRACE_MS }),
    signal: (signal) => child.signal(signal),
    begin(more) {
      if (!child.running()) child = begin(more)
    },
    isReady: () => healthUrl === null || isReady(healthUrl),
    async restart() {
      if (child.running()) await self.stop()
      child = begin()
      await self.ready()
    },
    async ready() {
      const deadline = Date.now() + READY_TIMEOUT_MS
      while (healthUrl && !(await isReady(healthUrl))) {
        if (!child.running())
          throw new Error(
            `${name} ended with ${(await child.exited).reason}. The end of ${logFile}:\n${child.logTail()}`,
          )
        if (Date.now() > deadline)
          throw new Error(
            `${name} was not ready within ${READY_TIMEOUT_MS / 1000} s (${healthUrl}). The end of ${logFile}:\n${child.logTail()}`,
          )
        await sleep(POLL_MS)
      }
    },
  }
  return self
}

async function isReady(healthUrl) {
  try {
    return (await fetch(healthUrl, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false // Not listening yet.
  }
}

/** Until the scanner sees every device and an executor holds it: only then a run can start at once. */
async function devicesReady({ url, apiKey, names }) {
  const deadline = Date.now() + READY_TIMEOUT_MS
  for (let missing = names; missing.length > 0; await sleep(POLL_MS)) {
    const answer = await fetch(`${url}/api/v1/devices`, { headers: { authorization: `Bearer ${apiKey}` } })
    if (answer.ok) {
      const usable = (await answer.json()).devices
        .filter((device) => device.active && device.leased)
        .map((device) => device.name)
      missing = names.filter((name) => !usable.includes(name))
    }
    if (missing.length > 0 && Date.now() > deadline)
      throw new Error(
        `The hub is up, but does not offer ${missing.join(', ')} after ${READY_TIMEOUT_MS / 1000} s (HTTP ${answer.status}).`,
      )
  }
}
