/**
 * One driver per device on one host, whatever else goes wrong: the process that drives a device holds a
 * name of the kernel, an abstract unix socket. The kernel gives the name back the moment the process dies,
 * also by SIGKILL, and keeps it while the process is merely stopped, so nobody starts beside a sleeper.
 * Abstract names are Linux's and live in a network namespace: executors of one machine share one. On other
 * systems there is no such name, and the lease alone keeps drivers apart.
 */
import { createServer } from 'node:net'
import type { ActiveDevice } from '@lucihub/contracts'
import { deviceClass } from '@lucihub/contracts'

/** Held until released, or until the process is gone. */
export interface DeviceLock {
  release(): Promise<void>
}

/** Takes the lock of a device; null when another process holds it. */
export function lockDevice(device: ActiveDevice): Promise<DeviceLock | null> {
  if (process.platform !== 'linux') return Promise.resolve({ release: () => Promise.resolve() })
  const server = createServer((stranger) => stranger.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    server.listen(`\0lucihub-${lockName(device)}`, () => {
      server.unref()
      resolve({ release: () => new Promise((released) => server.close(() => released())) })
    })
  })
}

/** A machine is one thing wherever it answers; a simulator's MAC address is made up, so its address counts too. */
function lockName({ id, host, port, deviceClass: number }: ActiveDevice): string {
  return deviceClass.fromProto(number) === 'SIMULATOR' ? `${id}@${host}:${port}` : id
}
