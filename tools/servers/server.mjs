/**
 * What the three servers have in common: take a free port, start, wait until the server answers, stop, die, come
 * back on the same port and data. A port is chosen by binding it and letting go; should somebody else take it in
 * between, another is tried.
 */
import { mkdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch } from './child.mjs'

/** Postgres may replay a long log after a crash; nothing else takes more than a second. */
const READY_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 10_000
const PORT_ATTEMPTS = 5

/** Below the range that systems take the ports of outgoing connections from: none of those gets in between. */
const PORTS = { first: 15_000, count: 17_000 }
const PORT_TRIES = 100

/**
 * @param {object} recipe
 * @param {string} recipe.name
 * @param {string} recipe.dir Data and log live here; made when missing.
 * @param {number | undefined} recipe.port
 * @param {(port: number) => { command: string, args: readonly string[], env?: NodeJS.ProcessEnv, user?: { uid: number, gid: number } }} recipe.command
 * @param {Buffer | string} recipe.greeting Sent after connecting.
 * @param {(answer: Buffer) => boolean} recipe.ready Judges the first bytes of the answer.
 * @param {(port: number) => string} recipe.url
 * @param {NodeJS.Signals} recipe.stopSignal
 * @returns {Promise<import('./index.d.mts').Server>}
 */
export async function serve({ name, dir, port, command, greeting, ready, url, stopSignal }) {
  mkdirSync(dir, { recursive: true })
  const logFile = join(dir, `${name}.log`)

  const startOn = async (onPort) => {
    const child = launch({ ...command(onPort), logFile })
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (child.running()) {
      if (await answers({ port: onPort, greeting, ready })) return child
      if (Date.now() > deadline) {
        await child.end({ signal: 'SIGKILL', graceMs: 0 })
        throw failure(`did not answer on port ${onPort} within ${READY_TIMEOUT_MS / 1000} s`, child)
      }
      await sleep(15)
    }
    throw failure(`ended with ${(await child.exited).reason}`, child)
  }
  const failure = (what, child) => new Error(`${name} ${what}. The end of ${logFile}:\n${child.logTail()}`)

  let chosen = port ?? 0
  let child
  for (let attempt = 1; child === undefined; attempt++) {
    if (!port) chosen = await freePort()
    try {
      child = await startOn(chosen)
    } catch (error) {
      const taken = /address already in use|could not bind/i.test(error.message)
      if (port || !taken || attempt === PORT_ATTEMPTS) throw error
    }
  }

  return {
    url: url(chosen),
    port: chosen,
    get pid() {
      return child.pid
    },
    stop: () => child.end({ signal: stopSignal, graceMs: STOP_GRACE_MS }),
    kill: () => child.end({ signal: 'SIGKILL', graceMs: STOP_GRACE_MS }),
    async restart() {
      if (child.running()) await child.end({ signal: stopSignal, graceMs: STOP_GRACE_MS })
      child = await startOn(chosen)
    },
  }
}

/** A server that somebody else runs: it has a URL, and stopping it is not ours to do. */
export function external(url) {
  const refuse = () => Promise.reject(new Error(`${url} is not ours to restart.`))
  return { url, port: Number(new URL(url).port), pid: 0, stop: async () => {}, kill: refuse, restart: refuse }
}

/** @returns {Promise<number>} A TCP port of the loopback interface that is free now. */
export async function freePort() {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count)
    if (await isFree(port)) return port
  }
  throw new Error(`No TCP port between ${PORTS.first} and ${PORTS.first + PORTS.count} is free on 127.0.0.1.`)
}

/** @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function answers({ port, greeting, ready }) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const done = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2_000, () => done(false))
    socket.once('error', () => done(false))
    socket.once('close', () => resolve(false))
    socket.once('connect', () => greeting.length > 0 && socket.write(greeting))
    socket.once('data', (answer) => done(ready(answer)))
  })
}
