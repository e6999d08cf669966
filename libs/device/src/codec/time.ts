/** Times on the wire: an integer and a decimal prefix. */
import { anabrid, type Received } from '../wire/messages.ts'

const { NONE, MILLI, MICRO, NANO } = anabrid.Time.Prefix
const NS_PER: Readonly<Record<number, number>> = { [NONE]: 1e9, [MILLI]: 1e6, [MICRO]: 1e3, [NANO]: 1 }

/** A time in ns as the vendor's client writes it; zero is an empty message. */
export function encodeTime(timeNs: number): anabrid.Time.$Properties {
  return timeNs === 0 ? {} : { value: Math.round(timeNs), prefix: NANO }
}

/** In ns; 0 when absent or of an unknown prefix. */
export function decodeTime(time: Received<anabrid.Time.$Properties> | null | undefined): number {
  return time ? time.value * (NS_PER[time.prefix] ?? 0) : 0
}
