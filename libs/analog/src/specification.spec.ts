import { LUCIDAC, lucidacDescription } from './lucidac.ts'
import { deviceIdOf, type Entity } from './entity.ts'
import { deviceClassOf, specificationOf } from './specification.ts'

const MAC = '04-E9-E5-00-00-01'

test('a standard LUCIDAC has integrators in slot 0 and multipliers in slot 1', () => {
  expect(LUCIDAC.carriers).toEqual([
    { id: '00-00-00-00-00-00', clusters: [{ index: 0, slots: ['MINT', 'MMUL'] }], tBlock: false, ports: 8 },
  ])
  expect(deviceClassOf(LUCIDAC)).toBe('LUCIDAC')
  expect(deviceIdOf(lucidacDescription(MAC))).toBe(MAC)
})

test('slot types are read from the entities, not assumed', () => {
  const [carrier] = lucidacDescription(MAC).carriers as [Entity]
  const swapped = withMBlocks(carrier, { M0: 2, M1: 3 })
  expect(specificationOf({ carriers: [swapped] }).carriers[0]?.clusters[0]?.slots).toEqual(['MMUL', 'MDR'])
})

test('an M block of an unknown type is an empty slot', () => {
  const [carrier] = lucidacDescription(MAC).carriers as [Entity]
  expect(
    specificationOf({ carriers: [withMBlocks(carrier, { M0: 1, M1: 9 })] }).carriers[0]?.clusters[0]?.slots,
  ).toEqual(['MINT', null])
})

test('more clusters or a T block make a REDAC', () => {
  const [carrier] = lucidacDescription(MAC).carriers as [Entity]
  const [cluster] = carrier.children as [Entity]
  const second = { ...carrier, children: [...carrier.children, { ...cluster, id: '1' }] }
  expect(deviceClassOf(specificationOf({ carriers: [second] }))).toBe('REDAC')
})

function withMBlocks(carrier: Entity, types: Record<string, number>): Entity {
  return {
    ...carrier,
    children: carrier.children.map((cluster) => ({
      ...cluster,
      children: cluster.children.map((block) => ({ ...block, type: types[block.id] ?? block.type })),
    })),
  }
}
