/** IPv4 subnets as CIDR texts, and which addresses belong to a laboratory's network. Pure. */
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Most addresses of all subnets together: a /20. At 50 dials a second one sweep takes 82 s. */
export const SWEPT_ADDRESSES_MAX = 4096

/** RFC 1918, loopback, link-local, and RFC 6598 (carrier-grade NAT). */
const PRIVATE_RANGES = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const

const privateAddresses = new BlockList()
for (const [network, bits] of PRIVATE_RANGES) privateAddresses.addSubnet(network, bits)
privateAddresses.addSubnet('fc00::', 7, 'ipv6')
privateAddresses.addSubnet('fe80::', 10, 'ipv6')
privateAddresses.addAddress('::1', 'ipv6')

/** True for the addresses that never lead out of a site; false for what is no address. */
export function isPrivate(address: string): boolean {
  const plain = address.replace(/%.*/, '')
  return isIP(plain) !== 0 && privateAddresses.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
}

/**
 * The addresses of subnets, `A.B.C.D/BITS` between commas; without those of the network and of broadcasts. Throws an
 * Error that says what is wrong: no CIDR, too many addresses, or a public range unless that is allowed.
 */
export function addressesOf(text: string, { publicToo }: { readonly publicToo: boolean }): string[] {
  const subnets = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => range(entry, { publicToo }))
  const count = subnets.reduce((sum, { size }) => sum + size, 0)
  if (count > SWEPT_ADDRESSES_MAX)
    throw new Error(`use subnets of at most ${SWEPT_ADDRESSES_MAX} addresses in all; these have ${count}.`)
  return [...new Set(subnets.flatMap(({ first, size }) => Array.from({ length: size }, (_, at) => dotted(first + at))))]
}

function range(entry: string, { publicToo }: { readonly publicToo: boolean }): { first: number; size: number } {
  const [, address = '', length = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(entry) ?? []
  const bits = Number(length)
  if (!isIPv4(address) || length === '' || bits > 32) throw new Error('use A.B.C.D/BITS, as 192.168.1.0/24.')
  const all = 2 ** (32 - bits)
  const network = Math.floor(number(address) / all) * all
  // Ranges are aligned: one end outside of the private ranges, and the whole is not private.
  if (!publicToo && !(isPrivate(dotted(network)) && isPrivate(dotted(network + all - 1))))
    throw new Error('use a private range, or say DEVICE_PUBLIC_ADDRESSES=on.')
  return all > 2 ? { first: network + 1, size: all - 2 } : { first: network, size: all }
}

function number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
