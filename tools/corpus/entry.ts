/**
 * A program of the corpus, `examples/<name>.ana`, with what its first comment lines say:
 *
 *     # The Lorenz attractor: what it is, in a sentence.
 *     # source: E. N. Lorenz, J. Atmos. Sci. 20 (1963)
 *     # device: lucidac            the smallest machine it fits: lucidac (as when left out), mredac or redac
 *     # op-time: 4ms               1ms when left out
 *     # chaotic                    nearby solutions part, so it is compared up to a horizon
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LUCIDAC, MREDAC, REDAC, type DeviceSpecification } from '@lucihub/analog'

/** From the smallest to the largest. */
export const DEVICES = {
  lucidac: { name: 'LUCIDAC', specification: LUCIDAC },
  mredac: { name: 'mREDAC', specification: MREDAC },
  redac: { name: 'REDAC', specification: REDAC },
} as const satisfies Record<string, { name: string; specification: DeviceSpecification }>

export type DeviceName = keyof typeof DEVICES

export function smallerThan(device: DeviceName): DeviceName[] {
  const names = Object.keys(DEVICES) as DeviceName[]
  return names.slice(0, names.indexOf(device))
}

export interface Entry {
  readonly name: string
  readonly program: string
  readonly title: string
  readonly source: string
  readonly device: DeviceName
  readonly opTimeNs: number
  readonly chaotic: boolean
}

const UNITS_NS: Readonly<Record<string, number>> = { us: 1e3, ms: 1e6, s: 1e9 }

/** All programs of a folder in alphabetical order. Throws where a line says what is not known. */
export function readCorpus(folder: string): Entry[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ana'))
    .sort()
    .map((file) => readEntry(file.slice(0, -'.ana'.length), readFileSync(join(folder, file), 'utf8')))
}

export function readEntry(name: string, program: string): Entry {
  const lines = program.split('\n')
  const comments = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('#')),
  )
  const [title = '', ...hints] = comments.map((line) => line.slice(1).trim())
  const hint = (key: string, absent: string): string => {
    const line = hints.find((candidate) => candidate.startsWith(`${key}:`))
    return line === undefined ? absent : line.slice(key.length + 1).trim()
  }
  const device = hint('device', 'lucidac')
  if (!Object.hasOwn(DEVICES, device)) throw new Error(`${name}.ana names the device "${device}", which is not known.`)
  const [, figure, unit] = /^([\d.]+)(us|ms|s)$/.exec(hint('op-time', '1ms')) ?? []
  if (figure === undefined || unit === undefined) throw new Error(`${name}.ana has no op time such as 4ms.`)
  return {
    name,
    program,
    title: title.replace(/\.$/, ''),
    source: hint('source', ''),
    device: device as DeviceName,
    opTimeNs: Math.round(Number(figure) * (UNITS_NS[unit] ?? NaN)),
    chaotic: hints.includes('chaotic'),
  }
}
