import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { startNats, startRedis, type Server } from '@lucihub/servers'
import { binaries, freshFolder } from './own-servers.ts'

/** Where a nats-server keeps its streams, below its folder. */
const STORE = 'jetstream'

export interface PrivateServer {
  readonly url: string
  /** Stops the server and removes its data. */
  stop(): Promise<void>
  /** SIGKILL, as in a crash. */
  kill(): Promise<void>
  /** Comes up again on the same port and data. */
  restart(): Promise<void>
  /** What it stored is gone, as after the loss of its disk. Call it while the server is down. */
  wipe(): void
}

/** A nats-server with JetStream that nobody else uses. `syncAlways`: acknowledged messages survive a kill for sure. */
export async function privateNats(options: { syncAlways?: boolean } = {}): Promise<PrivateServer> {
  const dir = freshFolder('nats')
  return disposable(await startNats({ binaries: await binaries(), dir, ...options }), dir)
}

/** A Redis that nobody else uses. Its URL carries a password. */
export async function privateRedis(): Promise<PrivateServer> {
  const dir = freshFolder('redis')
  return disposable(await startRedis({ binaries: await binaries(), dir }), dir)
}

function disposable(server: Server, dir: string): PrivateServer {
  return {
    url: server.url,
    kill: () => server.kill(),
    restart: () => server.restart(),
    wipe: () => rmSync(join(dir, STORE), { recursive: true, force: true }),
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
