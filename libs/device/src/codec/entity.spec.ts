import { specificationOf, deviceClassOf, Problem } from '@lucihub/analog'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lucidac, MAC, redac } from '../../test/descriptions.ts'
import { anabrid, type Module } from '../wire/messages.ts'
import { decodeApb, encodeApb } from './apb.ts'
import { decodeDescription, encodeDescription } from './entity.ts'
import { renderEntityTree } from './entity-tree.ts'

test.each([
  ['a LUCIDAC', lucidac],
  ['a stack of mREDACs', redac],
])('the description of %s survives a file', (_name, description) => {
  expect(decodeApb(encodeApb({ description }))).toEqual({ description, configuration: null })
})

test('ids carry a slash on the wire, and defaults are left out as devices do it', () => {
  const carrier = lucidac.carriers[0]
  const small = { carriers: carrier ? [{ ...carrier, eui: '', children: carrier.children.slice(2) }] : [] }
  // version 0.1.0 · one item of kind 28 · carrier, class 1, type 1, variant 1, 1.1.0 · child /FP of class 0, type 0 · location (0, 0)
  expect(Buffer.from(encodeApb({ description: small })).toString('hex')).toBe(
    '0a021001' +
      '1235' +
      '0a33' +
      'e20130' +
      '0a2e' +
      '0a12' +
      Buffer.from(`/${MAC}`).toString('hex') +
      '1001' +
      '1801' +
      '2001' +
      '2a0408011001' +
      '3a09' +
      '0a032f4650' +
      '2001' +
      '2a00' +
      'a20600',
  )
})

test('carriers come in the order of their location', () => {
  const shuffled = { carriers: redac.carriers.toReversed() }
  expect(decodeApb(encodeApb({ description: shuffled })).description).toEqual(redac)
})

test.each<[string, anabrid.Entity.$Properties[], string]>([
  ['no MAC address', [{ id: '/lucidac' }], '"lucidac" is not the MAC address of a carrier.'],
  ['the same carrier twice', [{ id: `/${MAC}` }, { id: `/${MAC}` }], `The carrier ${MAC} is described twice.`],
])('a description with %s is refused', (_name, entities, message) => {
  const module = { items: entities.map((entity) => ({ entitySpecification: { entity } })) }
  const decoded = anabrid.Module.decode(anabrid.Module.encode(module).finish()) as Module
  expect(() => decodeDescription(decoded)).toThrow(new Problem('invalid-request', message))
})

test('a class that nobody knows is UNKNOWN, a wrapping device is opened', () => {
  const [carrier] = encodeDescription(lucidac).items ?? []
  const module = {
    items: [
      {
        entitySpecification: {
          entity: { id: '/any', class_: 30, children: [carrier?.entitySpecification?.entity ?? {}] },
        },
      },
    ],
  }
  const decoded = anabrid.Module.decode(anabrid.Module.encode(module).finish()) as Module
  expect(decodeDescription(decoded)).toEqual(lucidac)
  const strange = { items: [{ entitySpecification: { entity: { id: `/${MAC}`, class_: 77 } } }] }
  const read = decodeDescription(anabrid.Module.decode(anabrid.Module.encode(strange).finish()) as Module)
  expect(read?.carriers[0]?.class).toBe('UNKNOWN')
})

test('what is no file is refused', () => {
  expect(() => decodeApb(Buffer.from('not protobuf'))).toThrow('These 12 bytes are not a device protocol File.')
  expect(decodeApb(new Uint8Array(0))).toEqual({ description: null, configuration: null })
})

test('the tree is drawn for people', () => {
  expect(renderEntityTree(lucidac)).toBe(
    [
      `${MAC}  CARRIER  type 1  v1.1.0  at stack 0 carrier 0  eui 00-04-A3-0B-00-01-02-03`,
      '├─ 0  CLUSTER',
      '│  ├─ M0  M_BLOCK  MINT  v1.1.1',
      '│  ├─ M1  M_BLOCK  MMUL  v1.1.0',
      '│  ├─ U  U_BLOCK  type 1  v1.2.0',
      '│  ├─ C  C_BLOCK  type 1  v1.1.0',
      '│  ├─ I  I_BLOCK  type 1  v1.2.0',
      '│  └─ SH  SH_BLOCK  type 1  v1.2.1',
      '├─ CTRL  CTRL_BLOCK  type 1  v1.1.0',
      '└─ FP  UNKNOWN',
    ].join('\n'),
  )
})

// Descriptions read from real devices are not part of the repository; where they lie beside it, they are read too.
const realData = join(process.cwd(), '../shared/data')
const real = [
  ['lucidac', 'LUCIDAC', 1],
  ['mredac', 'REDAC', 3],
] as const
for (const [file, deviceClass, clusters] of real.filter(([name]) => existsSync(join(realData, `${name}.apb`)))) {
  test(`the description of a real ${file} is read, drawn, and written back byte for byte`, () => {
    const bytes = readFileSync(join(realData, `${file}.apb`))
    const { description, configuration } = decodeApb(bytes)
    if (!description) throw new Error('it holds no description')
    expect(configuration).toBeNull()
    const specification = specificationOf(description)
    expect(deviceClassOf(specification)).toBe(deviceClass)
    expect(specification.carriers[0]?.clusters).toHaveLength(clusters)
    expect(renderEntityTree(description)).toMatch(
      /^04-E9-E5-\S+ {2}CARRIER .*\n├─ 0 {2}CLUSTER\n│ {2}├─ M0 {2}M_BLOCK {2}MINT/,
    )
    expect(Buffer.from(encodeApb({ description })).equals(bytes)).toBe(true)
  })
}
