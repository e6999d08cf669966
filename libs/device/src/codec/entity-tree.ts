/** The tree of a device's parts, drawn for people. */
import { M_BLOCK_TYPES, type DeviceDescription, type Entity } from '@lucihub/analog'

/** EUI-64 that parts without a memory chip report. */
const NO_EUI = '00-00-00-00-00-00-00-00'

/** One line per part: id, what it is, hardware version, and its chip's EUI-64 where it has one. */
export function renderEntityTree(description: DeviceDescription): string {
  return description.carriers.flatMap((carrier) => [line(carrier), ...branches(carrier, '')]).join('\n')
}

function branches(parent: Entity, indent: string): string[] {
  return parent.children.flatMap((child, index) => {
    const last = index === parent.children.length - 1
    return [`${indent}${last ? '└─ ' : '├─ '}${line(child)}`, ...branches(child, `${indent}${last ? '   ' : '│  '}`)]
  })
}

function line(entity: Entity): string {
  const { version, location, eui } = entity
  const released = version !== null && version.major + version.minor + version.patch > 0
  return [
    entity.id,
    entity.class,
    entity.class === 'M_BLOCK' ? mBlockType(entity.type) : entity.type > 0 ? `type ${entity.type}` : '',
    released ? `v${version.major}.${version.minor}.${version.patch}` : '',
    location ? `at stack ${location.stack} carrier ${location.carrier}` : '',
    eui !== '' && eui !== NO_EUI ? `eui ${eui}` : '',
  ]
    .filter((word) => word !== '')
    .join('  ')
}

function mBlockType(type: number): string {
  return M_BLOCK_TYPES[type as keyof typeof M_BLOCK_TYPES] ?? `type ${type}`
}
