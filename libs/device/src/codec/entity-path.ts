/** Entity paths and flat output indices: how the wire names what the domain numbers. */
import { CLANES, M_BLOCK_WIDTH, type DeviceDescription } from '@lucihub/analog'

/** A block's place: `MAC/0/M0` is carrier MAC, cluster 0, block M0. Null where the path ends earlier. */
export interface EntityPlace {
  readonly carrier: string
  /** The part within the carrier: a cluster's number, `CTRL`, `T`. */
  readonly part: string | null
  readonly block: string | null
}

/** Splits a path; a leading slash is accepted. Null for the empty path and for one of more than three parts. */
export function parseEntityPath(path: string): EntityPlace | null {
  const [carrier = '', part = null, block = null, ...rest] = path.replace(/^\//, '').split('/')
  return carrier === '' || rest.length > 0 ? null : { carrier, part, block }
}

/**
 * Where each carrier's outputs begin in the flat numbering of a device: 16 per cluster, carriers in the
 * order of the description. Within a carrier an output is cluster * 16 + slot * 8 + element.
 */
export function outputBases(description: DeviceDescription): ReadonlyMap<string, number> {
  const bases = new Map<string, number>()
  let base = 0
  for (const carrier of description.carriers) {
    bases.set(carrier.id, base)
    base += outputCount(description, carrier.id)
  }
  return bases
}

/** The number of M-block outputs of one carrier. */
export function outputCount(description: DeviceDescription, carrierId: string): number {
  const carrier = description.carriers.find(({ id }) => id === carrierId)
  return (carrier?.children.filter((child) => child.class === 'CLUSTER').length ?? 0) * CLANES
}

/** The M block of an output of a carrier, and the output's index in it. */
export function mBlockOf({ carrier, output }: { carrier: string; output: number }): { path: string; idx: number } {
  const cluster = Math.floor(output / CLANES)
  const slot = Math.floor((output % CLANES) / M_BLOCK_WIDTH)
  return { path: `${carrier}/${cluster}/M${slot}`, idx: output % M_BLOCK_WIDTH }
}

/** The inverse of {@link mBlockOf}: an output within its carrier, or null when the path is no M block's. */
export function outputOf({ path, idx }: { path: string; idx: number }): { carrier: string; output: number } | null {
  const place = parseEntityPath(path)
  const slot = place?.block === 'M0' ? 0 : place?.block === 'M1' ? 1 : null
  const cluster = Number(place?.part ?? NaN)
  if (!place || slot === null || !Number.isInteger(cluster) || idx >= M_BLOCK_WIDTH) return null
  return { carrier: place.carrier, output: cluster * CLANES + slot * M_BLOCK_WIDTH + idx }
}
