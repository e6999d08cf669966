import { rmSync } from 'node:fs'
import { startNats, startRedis, type Server } from '@lucihub/servers'
import { binaries, freshFolder } from './own-servers.ts'

export interface PrivateServer {
  readonly url: string
  /** Stops the server and removes its data. */
  stop(): Promise<void>
  /** SIGKILL, as in a crash. */
  kill(): Promise<void>
  /** Comes up again on the same port and data. */
  restart(): Promise<void>
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
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
