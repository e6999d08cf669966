/** Descriptions in the spellings that firmwares, their documentation and lucipy's emulator use. */
import { Problem, specificationOf, type DeviceDescription } from '@lucihub/analog'
import { lucidac, MAC } from '../../test/descriptions.ts'
import { decodeEntities, encodeEntities } from './entities.ts'
import { EMULATOR, FIRMWARE_1 } from './quirks.ts'

/** Slots and classes: what a compiler takes from a description. */
const shape = (description: DeviceDescription) => ({
  slots: specificationOf(description).carriers.map(({ clusters }) => clusters.map(({ slots }) => slots)),
  classes: description.carriers.map((carrier) => [
    carrier.class,
    ...carrier.children.flatMap((child) => [child.class, ...child.children.map((block) => block.class)]),
  ]),
})

test('versions as lists, with EUIs, as the last firmwares have it', () => {
  const msg = {
    entities: {
      [MAC]: {
        '/0': {
          '/M0': { class: 3, type: 1, variant: 1, version: [1, 1, 1], eui: '00-04-A3-0B-00-01-02-03' },
          '/M1': { class: 3, type: 2, variant: 1, version: [1, 1, 0], eui: '' },
          class: 2,
          type: 0,
        },
        '/FP': { class: 8 },
        class: 1,
        type: 1,
        variant: 1,
        version: [1, 1, 0],
        eui: '00-04-A3-0B-00-01-02-04',
      },
    },
  }
  const { description, spellings } = decodeEntities(msg)
  expect(shape(description)).toEqual({
    slots: [[['MINT', 'MMUL']]],
    classes: [['CARRIER', 'CLUSTER', 'M_BLOCK', 'M_BLOCK', 'FRONT_PANEL']],
  })
  expect(description.carriers[0]?.children[0]?.children[0]).toMatchObject({
    id: 'M0',
    version: { major: 1, minor: 1, patch: 1 },
    eui: '00-04-A3-0B-00-01-02-03',
  })
  expect(spellings.get(MAC)).toBe(MAC)
})

test("lucipy's emulator counts from one less, has versions as numbers and an address in lower case", () => {
  const block = (class_: number, type = 0) => ({ class: class_, type, variant: 0, version: 0 })
  const cluster = {
    '/M0': block(2),
    '/M1': block(2, 1),
    '/U': block(3),
    '/C': block(4),
    '/I': block(5),
    ...block(1, 3),
  }
  const { description, spellings } = decodeEntities({
    entities: { '70-79-74-68-6f-6e': { '/0': cluster, ...block(0) } },
  })
  expect(shape(description)).toEqual({
    slots: [[['MINT', 'MMUL']]],
    classes: [['CARRIER', 'CLUSTER', 'M_BLOCK', 'M_BLOCK', 'U_BLOCK', 'C_BLOCK', 'I_BLOCK']],
  })
  expect([...spellings]).toEqual([['70-79-74-68-6F-6E', '70-79-74-68-6f-6e']])
})

test.each([
  ['the last firmware', FIRMWARE_1],
  ['the emulator', EMULATOR],
  ['a slash before the address', { ...FIRMWARE_1, macWithSlash: true }],
])('what is written as by %s is read again', (_name, quirks) => {
  const { description } = decodeEntities(encodeEntities(lucidac, quirks))
  expect(shape(description)).toEqual(shape(lucidac))
  if (quirks.versions === 'list')
    expect(description.carriers).toEqual(lucidac.carriers.map((carrier) => ({ ...carrier, location: null })))
})

test.each<[object, string]>([
  [{}, 'It described no carrier.'],
  [{ entities: { banana: {} } }, '"banana" is not the MAC address of a carrier.'],
  [{ entities: { [MAC]: 3 } }, `"${MAC}" is not the MAC address of a carrier.`],
  [{ entities: { [MAC]: {}, [`/${MAC}`]: {} } }, `The carrier ${MAC} is described twice.`],
  [
    { entities: { [MAC]: { '/a': { '/b': { '/c': { '/d': { '/e': {} } } } } } } },
    '"d" has more parts than a device can have.',
  ],
])('%j describes nothing', (msg, message) => {
  expect(() => decodeEntities(msg as Record<string, unknown>)).toThrow(new Problem('invalid-request', message))
})
