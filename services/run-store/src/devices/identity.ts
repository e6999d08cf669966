/**
 * Whether a device is still the one that was approved. Pure: what a scanner sees now is held against what was pinned
 * when the device was approved, and gives what becomes of it. A MAC address is only a claim, so an approved device
 * keeps three more things: its class, the EUIs of its parts, and the addresses where it was trusted.
 */
import { deviceClassOf, specificationOf, type DeviceDescription, type Entity } from '@lucihub/analog'

export const APPROVALS = ['candidate', 'approved', 'quarantined'] as const
export type Approval = (typeof APPROVALS)[number]

/** What an approved device has to stay. */
export interface Pinned {
  /** Of the hardware, whatever a source calls it. */
  readonly hardware: string
  /** EUI by path of the part, of all that have one. */
  readonly serials: Readonly<Record<string, string>>
  /** Other endpoints, host:port, that an operator has accepted. */
  readonly alsoAt: readonly string[]
}

/** One device as a scanner sees it now. */
export interface Seen {
  readonly id: string
  /** host:port */
  readonly endpoint: string
  readonly description: DeviceDescription
  readonly alsoAt: readonly string[]
  readonly source: string
  readonly trusted: boolean
  /** False for scanners that do not say how they found it: then addresses prove nothing. */
  readonly traced: boolean
}

/** One device as the database knows it. */
export interface Known {
  readonly approval: Approval
  /** Null when nothing is pinned yet. */
  readonly pinned: Pinned | null
  /** host:port, or empty. */
  readonly pinnedAt: string
  /** host:port where another scanner sees it at this moment; empty: no other does. */
  readonly elsewhere: string
}

/** What becomes of a device. */
export interface Judgement {
  readonly approval: Approval
  /** Why the approval changed; empty when it did not. */
  readonly reason: string
  readonly pinned: Pinned
  readonly pinnedAt: string
}

/** `holder`: id of another approved device that is trusted at this endpoint and is not seen at another; empty: none. */
export function judge(seen: Seen, known: Known | null, holder: string): Judgement {
  const now = pinOf(seen)
  if (known?.approval === 'quarantined')
    return { approval: 'quarantined', reason: '', pinned: known.pinned ?? now, pinnedAt: known.pinnedAt }
  const fresh = { pinned: now, pinnedAt: seen.endpoint }
  if (known?.approval !== 'approved') {
    if (!seen.trusted) return { approval: 'candidate', reason: '', ...fresh }
    const suspicion = suspicionOf(
      seen,
      { pinned: { ...now, alsoAt: [] }, pinnedAt: seen.endpoint, elsewhere: '' },
      holder,
    )
    if (suspicion !== '') return { approval: 'quarantined', reason: suspicion, ...fresh }
    return { approval: 'approved', reason: known ? `Its source (${seen.source}) is trusted.` : '', ...fresh }
  }
  const { pinned, pinnedAt, elsewhere } = known
  if (!pinned) return { approval: 'approved', reason: '', ...fresh }
  const suspicion = suspicionOf(seen, { pinned, pinnedAt, elsewhere }, holder)
  if (suspicion !== '') return { approval: 'quarantined', reason: suspicion, pinned, pinnedAt }
  // Parts that were not seen before are learned; those that are away stay pinned.
  return {
    approval: 'approved',
    reason: '',
    pinned: { ...pinned, serials: { ...pinned.serials, ...now.serials } },
    pinnedAt: seen.endpoint,
  }
}

/** What is pinned when a device is trusted as it is seen now. */
export function pinOf({ description, alsoAt }: Pick<Seen, 'description' | 'alsoAt'>): Pinned {
  return {
    hardware: deviceClassOf(specificationOf(description)),
    serials: Object.fromEntries(description.carriers.flatMap((carrier) => serialsOf(carrier, ''))),
    alsoAt,
  }
}

type Trusted = Omit<Known, 'approval' | 'pinned'> & { readonly pinned: Pinned }

/** Why this may be another device; empty: nothing says so. */
function suspicionOf(seen: Seen, { pinned, pinnedAt, elsewhere }: Trusted, holder: string): string {
  const now = pinOf(seen)
  const exchanged = Object.entries(now.serials).find(
    ([path, eui]) => pinned.serials[path] !== undefined && pinned.serials[path] !== eui,
  )
  const twin = elsewhere || seen.alsoAt.find((endpoint) => !pinned.alsoAt.includes(endpoint))
  if (now.hardware !== pinned.hardware) return `It was a ${pinned.hardware} and describes itself as a ${now.hardware}.`
  if (exchanged) {
    const [path, eui] = exchanged
    return `Its part ${path} was ${pinned.serials[path]} and is ${eui}.`
  }
  if (twin) return `It answers at ${seen.endpoint} and at ${twin} at once.`
  if (!seen.traced) return ''
  if (holder !== '') return `It answers at ${seen.endpoint}, where ${holder} was trusted.`
  if (!seen.trusted && seen.endpoint !== pinnedAt)
    return `It was trusted at ${pinnedAt} and answers at ${seen.endpoint}, as only ${seen.source} says.`
  return ''
}

function serialsOf(entity: Entity, above: string): [string, string][] {
  const path = `${above}/${entity.id}`
  const own: [string, string][] = entity.eui === '' ? [] : [[path, entity.eui]]
  return [...own, ...entity.children.flatMap((child) => serialsOf(child, path))]
}
