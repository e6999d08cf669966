/**
 * What a device measures under the harness: a pure function of the device's run id, the channel and the index.
 * Every sample differs from its neighbours and from every other run's, so a lost, doubled, moved or foreign one shows.
 * Device and checker share this file and nothing else; no codec or checksum of the hub takes part.
 */

/** Values are multiples of 2^-20 within ±1: exact in single precision. */
const STEPS = 2 ** 20

/** The samples `from` to `from + count` of one channel, little-endian float32. */
export function samplesAt(
  runId: string,
  { channel, from, count }: { readonly channel: number; readonly from: number; readonly count: number },
): Float32Array {
  const salt = Math.imul(hashOf(runId) ^ Math.imul(channel + 1, 0x9e3779b1), 0x85ebca6b)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    let mixed = Math.imul((from + i) ^ salt, 0xc2b2ae35)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x27d4eb2f)
    mixed ^= mixed >>> 13
    values[i] = ((mixed >>> 0) % (2 * STEPS)) / STEPS - 1
  }
  return values
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
