import { lucidacDescription, type DeviceDescription } from '@lucihub/analog'
import { judge, pinOf, type Known, type Seen } from './identity.ts'

const A = '04-E9-E5-00-00-0A'
const B = '04-E9-E5-00-00-0B'
const HERE = '10.0.0.1:5732'
const THERE = '10.0.0.2:5732'

function seen(more: Partial<Seen> = {}): Seen {
  return {
    id: A,
    endpoint: HERE,
    description: described({}),
    alsoAt: [],
    source: 'list',
    trusted: true,
    traced: true,
    ...more,
  }
}

const strange = (more: Partial<Seen> = {}): Seen => seen({ source: 'mdns', trusted: false, ...more })

/** A LUCIDAC whose M blocks have these EUIs. */
function described(euis: Readonly<Record<string, string>>): DeviceDescription {
  const { carriers } = lucidacDescription(A)
  return {
    carriers: carriers.map((carrier) => ({
      ...carrier,
      children: carrier.children.map((cluster) => ({
        ...cluster,
        children: cluster.children.map((block) => ({ ...block, eui: euis[block.id] ?? block.eui })),
      })),
    })),
  }
}

function known(more: Partial<Known> = {}): Known {
  return { approval: 'approved', pinned: pinOf(seen()), pinnedAt: HERE, elsewhere: '', ...more }
}

test.each<[string, Seen, Known | null, string, string, string]>([
  ['a new device of a trusted source is let in', seen(), null, '', 'approved', ''],
  ['a new device of another source is a candidate', strange(), null, '', 'candidate', ''],
  ['a candidate stays one', strange(), known({ approval: 'candidate' }), '', 'candidate', ''],
  [
    'a candidate that a trusted source names is let in',
    seen(),
    known({ approval: 'candidate' }),
    '',
    'approved',
    'Its source (list) is trusted.',
  ],
  ['an approved device stays so, whoever names it', strange(), known(), '', 'approved', ''],
  [
    'a device that was known before there were approvals is pinned',
    seen(),
    known({ pinned: null }),
    '',
    'approved',
    '',
  ],
  ['nothing lets a device out of quarantine', seen(), known({ approval: 'quarantined' }), '', 'quarantined', ''],
  ["an operator's list may move a device", seen({ endpoint: THERE }), known(), '', 'approved', ''],
  [
    'a device that moves by its own word is quarantined',
    strange({ endpoint: THERE }),
    known(),
    '',
    'quarantined',
    `It was trusted at ${HERE} and answers at ${THERE}, as only mdns says.`,
  ],
  [
    'a device at the address of another is quarantined, even when the list names the address',
    seen({ id: B }),
    null,
    A,
    'quarantined',
    `It answers at ${HERE}, where ${A} was trusted.`,
  ],
  [
    'where a scanner does not say how it found a device, its address proves nothing',
    seen({ traced: false }),
    null,
    A,
    'approved',
    '',
  ],
  [
    'one MAC address at two addresses at once is quarantined',
    seen({ alsoAt: [THERE] }),
    known(),
    '',
    'quarantined',
    `It answers at ${HERE} and at ${THERE} at once.`,
  ],
  [
    'two addresses that an operator has accepted are no reason',
    seen({ alsoAt: [THERE] }),
    known({ pinned: { ...pinOf(seen()), alsoAt: [THERE] } }),
    '',
    'approved',
    '',
  ],
  [
    'one MAC address that another scanner sees elsewhere is quarantined',
    seen(),
    known({ elsewhere: THERE }),
    '',
    'quarantined',
    `It answers at ${HERE} and at ${THERE} at once.`,
  ],
  [
    'another class of hardware is another device',
    seen({ description: { carriers: [...described({}).carriers, ...lucidacDescription(B).carriers] } }),
    known(),
    '',
    'quarantined',
    'It was a LUCIDAC and describes itself as a REDAC.',
  ],
  [
    'another serial of a part is another device',
    seen({ description: described({ M0: 'eui-2' }) }),
    known({ pinned: pinOf(seen({ description: described({ M0: 'eui-1' }) })) }),
    '',
    'quarantined',
    `Its part /${A}/0/M0 was eui-1 and is eui-2.`,
  ],
])('%s', (_name, now, before, holder, approval, reason) => {
  const { approval: became, reason: why } = judge(now, before, holder)
  expect([became, why]).toEqual([approval, reason])
})

test('parts that come are learned, and parts that go stay pinned', () => {
  const first = judge(seen({ description: described({ M0: 'eui-1' }) }), null, '')
  const more = judge(seen({ description: described({ M1: 'eui-2' }) }), known(first), '')
  expect(more.pinned.serials).toMatchObject({ [`/${A}/0/M0`]: 'eui-1', [`/${A}/0/M1`]: 'eui-2' })
  expect(judge(seen({ description: described({ M0: 'eui-3' }) }), known(more), '').approval).toBe('quarantined')
})

test('in quarantine a device keeps what was pinned of it', () => {
  const bad = judge(strange({ endpoint: THERE }), known(), '')
  expect(bad.pinnedAt).toBe(HERE)
  expect(judge(seen({ endpoint: THERE }), known(bad), '')).toMatchObject({ approval: 'quarantined', pinnedAt: HERE })
})
