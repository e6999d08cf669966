/** Range of a request (RFC 9110): one range of bytes, or null for the whole. Several ranges are answered with the whole. */
import { Problem } from '@lucihub/analog'

export interface ByteRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** Problem `range-not-satisfiable` when nothing of the content lies in it. What is not a byte range is ignored. */
export function rangeOf(header: string | undefined, size: number): ByteRange | null {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  if (from >= size || to <= from)
    throw new Problem(
      'range-not-satisfiable',
      `The content has ${size} bytes; "${header?.slice(0, 60) ?? ''}" has none of them.`,
    )
  return { from, to }
}
