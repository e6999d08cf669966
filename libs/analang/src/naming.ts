/** Names for the elements of a configuration: what its probes call them, else the kind and number of the element. */
import { CLANES, M_BLOCK_WIDTH, type DeviceSpecification } from '@lucihub/analog'
import { isMathName } from './math.ts'
import { parse } from './parse.ts'

const NAME_MAX = 64
/** What readers of formats without labels call their probes. */
const NUMBERED = /^probe \d+$/
const TIME = 't'

/** Makes names unique and allowed. */
export class Naming {
  readonly #taken = new Set<string>()

  /** The label as a name, or the fallback; with a number behind it where it is taken. */
  take(label: string, fallback: string): string {
    const wanted = (NUMBERED.test(label) ? null : nameFrom(label)) ?? fallback
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted.slice(0, NAME_MAX - 5)}_${number}`
      if (this.#taken.has(name) || !isFree(name)) continue
      this.#taken.add(name)
      return name
    }
  }
}

/** Position names by output number: `i0` for the device's first integrator, `m0` for its first multiplier, `n0` for its first identity. */
export function elementNames({ carriers }: DeviceSpecification): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  const counts = { i: 0, m: 0, n: 0 }
  carriers
    .flatMap(({ clusters }) => clusters)
    .forEach(({ slots }, cluster) =>
      slots.forEach((type, slot) => {
        if (type === null) return
        for (let element = 0; element < M_BLOCK_WIDTH; element++) {
          const kind = type === 'MINT' ? 'i' : element < M_BLOCK_WIDTH / 2 ? 'm' : 'n'
          names.set(cluster * CLANES + slot * M_BLOCK_WIDTH + element, `${kind}${counts[kind]++}`)
        }
      }),
    )
  return names
}

/** A label with everything else than letters and digits made `_`; null when nothing is left of it. */
function nameFrom(label: string): string | null {
  const name = label
    .replace(/[^A-Za-z0-9_\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{24f}\u{370}-\u{3ff}]+/gu, '_')
    .replace(/^[\d_]+|_+$/g, '')
    .slice(0, NAME_MAX)
  return name === '' ? null : name
}

/** Whether the language lets a definition have this name: it is asked, so that this cannot differ from it. */
function isFree(name: string): boolean {
  return name !== TIME && !isMathName(name) && parse(`let ${name} = 1; probe x as ${name};`).value !== null
}
