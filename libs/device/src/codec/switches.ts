/**
 * T block and backplane on the wire: one multiplexer for each lane and destination, which takes one source. The T
 * block counts the backplane as sector 0 and clusters from 1; after a reset each sector feeds itself. A block of the
 * backplane switches eight lanes between nine sectors: seven carriers and the two neighbouring stacks, which we do
 * not use; a sector set to itself takes nothing from this stack.
 */
import {
  BACKPLANE_BLOCK_LANES,
  BACKPLANE_PLACES,
  LANES,
  LOCAL_LANES,
  type BackplaneHop,
  type Hop,
  type Sector,
} from '@lucihub/analog'
import type { anabrid } from '../wire/messages.ts'

type Mux = anabrid.Mux.$Properties

const SECTORS = 4
const BACKPLANE_SECTORS = 9
const SWITCHED_LANES = LANES - LOCAL_LANES
/** Names of the backplane's blocks, by the lanes they switch. */
export const BACKPLANE_BLOCKS: readonly string[] = Array.from(
  { length: SWITCHED_LANES / BACKPLANE_BLOCK_LANES },
  (_, block) => `ST${block}`,
)

/** All 96 settings of a T block, in the order of their index. */
export function tBlockMuxes(hops: readonly Hop[]): Mux[] {
  const muxes = Array.from({ length: SWITCHED_LANES * SECTORS }, (_, index) => ({ state: index % SECTORS, index }))
  for (const { lane, from, to } of hops) {
    const mux = muxes[(lane - LOCAL_LANES) * SECTORS + sectorOf(to)]
    if (mux) mux.state = sectorOf(from)
  }
  return muxes
}

/** The hop that a setting of the T block makes, null when it is that of a reset; undefined when there is no such setting. */
export function hopOf({ state, index }: { state: number; index: number }): Hop | null | undefined {
  if (index >= SWITCHED_LANES * SECTORS || state >= SECTORS) return undefined
  const to = index % SECTORS
  return state === to ? null : { lane: LOCAL_LANES + Math.floor(index / SECTORS), from: endOf(state), to: endOf(to) }
}

/** All 72 settings of one block of the backplane, in the order of their index. */
export function backplaneMuxes(hops: readonly BackplaneHop[], block: number): Mux[] {
  const first = firstLane(block)
  const muxes = Array.from({ length: BACKPLANE_BLOCK_LANES * BACKPLANE_SECTORS }, (_, index) => ({
    state: index % BACKPLANE_SECTORS,
    index,
  }))
  for (const { lane, from, to } of hops) {
    const mux = inBlock(lane, block) ? muxes[(lane - first) * BACKPLANE_SECTORS + to] : undefined
    if (mux) mux.state = from
  }
  return muxes
}

/** The hop that a setting of a block of the backplane makes, null when it makes none; undefined when it leads out of the stack. */
export function backplaneHopOf(
  { state, index }: { state: number; index: number },
  block: number,
): BackplaneHop | null | undefined {
  const to = index % BACKPLANE_SECTORS
  if (index >= BACKPLANE_BLOCK_LANES * BACKPLANE_SECTORS) return undefined
  if (state === to) return null
  if (state >= BACKPLANE_PLACES || to >= BACKPLANE_PLACES) return undefined
  return { lane: firstLane(block) + Math.floor(index / BACKPLANE_SECTORS), from: state, to }
}

/** Whether a lane is one of those that this block of the backplane switches. */
export function inBlock(lane: number, block: number): boolean {
  return lane >= firstLane(block) && lane < firstLane(block) + BACKPLANE_BLOCK_LANES
}

function firstLane(block: number): number {
  return LOCAL_LANES + block * BACKPLANE_BLOCK_LANES
}

function sectorOf(end: Sector): number {
  return end === 'backplane' ? 0 : end + 1
}

function endOf(sector: number): Sector {
  return sector === 0 ? 'backplane' : sector - 1
}
