/**
 * The circuit as a device of this generation holds it: one document of blocks, of which any part can be set and
 * read by its path. A path is a list, `["04-E9-E5-15-87-A0", "0", "M0"]`; the carrier alone stands for all of it.
 */
import { type DeviceDescription, type Entity } from '@lucihub/analog'
import { objectOf, type Fields } from './replies.ts'

/** Keys that name parts, with or without their slash. */
const PART = /^\/?(\d|M[01]|U|C|I|SH|T|FP|CTRL|BP|ST\d)$/
/** Deeper than any circuit. */
const DEPTH_MAX = 8

/** What is wrong with a path. */
export type PathFault = 'no-list' | 'wrong-entity' | 'unresolved'

/** The parts within the carrier that a path names, each with its slash; or what is wrong with it. */
export function resolvePath(entity: unknown, description: DeviceDescription): readonly string[] | PathFault {
  if (!Array.isArray(entity) || entity.length === 0) return 'no-list'
  const [mac = '', ...parts] = entity.map((part) => String(part).replace(/^\//, ''))
  const carrier = description.carriers.find(({ id }) => id === mac.toUpperCase())
  if (!carrier) return 'wrong-entity'
  let among: readonly Entity[] = carrier.children
  for (const part of parts) {
    const found = among.find(({ id }) => id === part)
    if (!found) return 'unresolved'
    among = found.children
  }
  return parts.map((part) => `/${part}`)
}

/** The document with a part of it set: objects are merged, everything else is replaced. */
export function withPart(circuit: Fields, path: readonly string[], config: Fields): Fields {
  const placed = path.reduceRight<Fields>((inner, part) => ({ [part]: inner }), slashed(config, 0))
  return merged(circuit, placed)
}

/** What the document says of a part; without `recursive`, nothing of the parts in it. */
export function partOf(circuit: Fields, path: readonly string[], { recursive }: { recursive: boolean }): Fields {
  const found = path.reduce<Fields>((inner, part) => objectOf(inner[part]) ?? {}, circuit)
  return recursive ? found : Object.fromEntries(Object.entries(found).filter(([key]) => !PART.test(key)))
}

function merged(base: Fields, added: Fields): Fields {
  const entries = Object.entries(added).map(([key, value]): [string, unknown] => {
    const [before, after] = [objectOf(base[key]), objectOf(value)]
    return [key, before && after ? merged(before, after) : value]
  })
  return { ...base, ...Object.fromEntries(entries) }
}

function slashed(config: Fields, depth: number): Fields {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      const name = PART.test(key) ? `/${key.replace(/^\//, '')}` : key
      const inner = depth < DEPTH_MAX ? objectOf(value) : null
      return [name, inner ? slashed(inner, depth + 1) : value]
    }),
  )
}
