import { networkInterfaces } from 'node:os'

/** The addresses of this machine: a device on it may be named by any of them. */
export function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
}
