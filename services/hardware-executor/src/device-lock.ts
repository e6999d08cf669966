/**
 * One driver per device on one host, and one owner of a folder of journals, whatever else goes wrong: the process
 * that has it holds a name of the kernel, an abstract unix socket. The kernel gives the name back the moment the
 * process dies, also by SIGKILL, and keeps it while the process is merely stopped, so nobody starts beside a sleeper.
 * Abstract names are Linux's and live in a network namespace: executors of one machine share one. On other
 * systems there is no such name, and the lease alone keeps drivers apart.
 */
import { createHash } from 'node:crypto'
import { mkdir, realpath } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { ActiveDevice } from '@lucihub/contracts'
import { deviceClass } from '@lucihub/contracts'

/** Held until released, or until the process is gone. */
export interface Lock {
  release(): Promise<void>
}

/** Takes the lock of a device; null when another process holds it. */
export function lockDevice(device: ActiveDevice): Promise<Lock | null> {
  return lockName(deviceName(device))
}

/** Takes the lock of a folder of journals, made if need be; null when another process holds it. */
export async function lockJournals(folder: string): Promise<Lock | null> {
  await mkdir(folder, { recursive: true })
  const path = createHash('sha256').update(await realpath(folder))
  return lockName(`journals-${path.digest('hex').slice(0, 32)}`)
}

function lockName(name: string): Promise<Lock | null> {
  if (process.platform !== 'linux') return Promise.resolve({ release: () => Promise.resolve() })
  const server = createServer((stranger) => stranger.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    server.listen(`\0lucihub-${name}`, () => {
      server.unref()
      resolve({ release: () => new Promise((released) => server.close(() => released())) })
    })
  })
}

/** A machine is one thing wherever it answers; a simulator's MAC address is made up, so its address counts too. */
function deviceName({ id, host, port, deviceClass: number }: ActiveDevice): string {
  return deviceClass.fromProto(number) === 'SIMULATOR' ? `${id}@${host}:${port}` : id
}
