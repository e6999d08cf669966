/**
 * Device lists: one endpoint per line, `HOST[:PORT][/STACK/CARRIER]`, or several between commas; `#` begins a
 * comment. Words may follow an endpoint: `simulator` says what class it is, `name=NAME` what to call it.
 */
import type { CarrierLocation } from '@lucihub/analog'
import { DEVICE_PORT } from '../client/session.ts'

/** One endpoint of a list. */
export interface ListedDevice {
  readonly host: string
  readonly port: number
  /** Where its carrier sits, for devices made of several; null when the list does not say. */
  readonly location: CarrierLocation | null
  readonly simulator: boolean
  /** Empty when the list gives none. */
  readonly name: string
  /** Of the list, from 1. */
  readonly line: number
}

/** A line, or part of one, that is no endpoint. */
export interface ListError {
  /** From 1. */
  readonly line: number
  readonly message: string
}

export interface DeviceList {
  readonly devices: readonly ListedDevice[]
  readonly errors: readonly ListError[]
}

/** Reads a list. Lines that cannot be read are errors, the others still count. */
export function parseDeviceList(text: string): DeviceList {
  const devices: ListedDevice[] = []
  const errors: ListError[] = []
  text.split(/\r?\n/).forEach((content, index) => {
    const line = index + 1
    const entries = content
      .replace(/#.*/, '')
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
    for (const entry of entries) {
      const parsed = parseEntry(entry, line)
      if (typeof parsed === 'string') errors.push({ line, message: parsed })
      else if (devices.some((other) => endpointOf(other) === endpointOf(parsed))) {
        errors.push({ line, message: `${endpointOf(parsed)} is listed twice.` })
      } else devices.push(parsed)
    }
  })
  return { devices, errors }
}

function endpointOf({ host, port }: ListedDevice): string {
  return `${host.toLowerCase()}:${port}`
}

const ENDPOINT =
  /^(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>\d{1,5}))?(?:\/(?<stack>\d{1,3})\/(?<carrier>\d{1,3}))?$/

/** The device, or what is wrong. */
function parseEntry(entry: string, line: number): ListedDevice | string {
  const [endpoint = '', ...words] = entry.split(/\s+/)
  const groups = ENDPOINT.exec(endpoint)?.groups
  if (!groups) return `"${endpoint}" is not HOST[:PORT][/STACK/CARRIER].`
  const { host = '', port = String(DEVICE_PORT), stack, carrier } = groups
  if (Number(port) < 1 || Number(port) > 65_535) return `${port} is not a port; use 1 to 65535.`
  let simulator = false
  let name = ''
  for (const word of words) {
    if (word === 'simulator') simulator = true
    else if (/^name=\S+$/.test(word)) name = word.slice('name='.length)
    else return `"${word}" is neither "simulator" nor "name=NAME".`
  }
  const location = stack === undefined ? null : { stack: Number(stack), carrier: Number(carrier) }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port), location, simulator, name, line }
}
