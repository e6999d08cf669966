import { Problem } from '@lucihub/analog'

/**
 * The best of `offered` for an Accept header (RFC 9110): the highest quality wins, among equals the first offered.
 * Throws a Problem `not-acceptable` when none is.
 */
export function negotiate<T extends string>(accept: string | undefined, offered: readonly T[]): T {
  const ranges = parseAccept(accept ?? '*/*')
  const rated = offered.map((type) => ({ type, quality: qualityOf(type, ranges) })).filter(({ quality }) => quality > 0)
  const best = rated.reduce<(typeof rated)[number] | null>(
    (top, entry) => (top && top.quality >= entry.quality ? top : entry),
    null,
  )
  if (!best) throw new Problem('not-acceptable', `This is available as ${offered.join(', ')}.`)
  return best.type
}

/** Whether an Accept-Encoding header lets a body be coded so. Without the header: no, as not every program can undo it. */
export function takesCoding(accepted: string | string[] | undefined, coding: string): boolean {
  const ranges = parseAccept(String(accepted ?? ''))
  const found = ranges.find(({ range }) => range === coding) ?? ranges.find(({ range }) => range === '*')
  return (found?.quality ?? 0) > 0
}

interface MediaRange {
  readonly range: string
  readonly quality: number
}

function parseAccept(header: string): readonly MediaRange[] {
  return header.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    return { range, quality: weight === undefined ? 1 : Number(weight.slice(2)) || 0 }
  })
}

/** The most specific range decides, whatever its quality. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const [group] = type.split('/')
  for (const wanted of [type, `${group}/*`, '*/*']) {
    const found = ranges.find(({ range }) => range === wanted)
    if (found) return found.quality
  }
  return 0
}
