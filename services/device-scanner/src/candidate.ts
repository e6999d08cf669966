/** Where devices may be, and who says so. */
import type { CarrierLocation } from '@lucihub/analog'
import type { FoundDevice, ListedDevice } from '@lucihub/device'

/** In order of precedence: what an operator wrote comes before what the network says. */
export const SOURCES = ['list', 'static', 'mdns', 'subnet'] as const
export type Source = (typeof SOURCES)[number]

/** An endpoint as a source names it; an empty name: not at all. */
export interface Candidate extends FoundDevice {
  readonly source: Source
  /** True when what answers there needs no operator's approval. */
  readonly trusted: boolean
  /** Where the source says that its carrier sits; null when it does not. */
  readonly location: CarrierLocation | null
}

/** What a list, of whichever source, names. */
export function listed({ host, port, name, simulator, location }: ListedDevice): Omit<Candidate, 'source' | 'trusted'> {
  return { host, port, name, simulator, location }
}
