/** `npm start`: the hub stays up until Ctrl-C and keeps its data in .lucihub/data. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { bundles, servers } from './steps.mjs'
import { freePort } from './servers/index.mjs'
import { startHub } from './hub.mjs'
import { lock } from './lock.mjs'
import { root } from './session.mjs'

const USUAL_PORT = 8080
const RESTART_AFTER_MS = 1_000

/** @param {import('./session.mjs').Session} session */
export async function start(session) {
  session.defer(await lock('data', { wait: false }))
  await bundles(session)
  const binaries = await servers(session, { postgres: true, nats: true, redis: true })
  const hub = await session.step('hub', async () => {
    const httpPort = Number(process.env.HTTP_PORT ?? 0) || ((await isFree(USUAL_PORT)) ? USUAL_PORT : await freePort())
    const started = await startHub({
      dir: join(root, '.lucihub/data'),
      binaries,
      httpPort,
      ...(process.env.HTTP_HOST && { httpHost: process.env.HTTP_HOST }),
      // Real devices on the network announce themselves; the virtual ones are on the list.
      environment: { 'device-scanner': { DEVICE_MDNS: process.env.DEVICE_MDNS ?? 'on' } },
    })
    session.defer(() => started.stop())
    return started
  })
  let stopping = false
  session.defer(() => (stopping = true))
  for (const [name, part] of Object.entries(hub.processes)) void keepUp(name, part)
  console.log(`
The hub is up.
  API        ${hub.url}/api/v1
  API docs   ${hub.url}/api/docs
  API key    ${hub.keyFile}
  Logs       ${join(hub.dir, 'logs')}

Try, in another terminal:
  export LUCIHUB_URL=${hub.url} LUCIHUB_API_KEY_FILE=${hub.keyFile}
  node dist/cli.mjs devices

Ctrl-C stops it; the data stay.`)
  return new Promise(() => setInterval(() => {}, 60_000))

  async function keepUp(name, part) {
    for (;;) {
      const { reason } = await part.exited()
      if (stopping) return
      console.error(`${name} ended with ${reason}; it is started again. Its last words:\n${part.logTail(5)}`)
      await new Promise((resolve) => setTimeout(resolve, RESTART_AFTER_MS))
      if (stopping) return
      await part.restart().catch((error) => console.error(error.message))
    }
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
