import { curve, FIRST_VIEW, screen, step, type Key, type View } from './browser.ts'

function pressed(view: View, keys: readonly Key[]): View {
  return keys.reduce((now, key) => {
    const next = step(now, key)
    if (next === 'quit') throw new Error('quit')
    return next.view
  }, view)
}
const key = (name: string): Key => ({ name, sequence: name.length === 1 ? name : '' })
const rows = ['a', 'b', 'c'].map((name) => ({ name, value: '(secret)' }))

test('LU-25 arrows choose tables and rows, / searches, d is for dark, q ends', () => {
  const view: View = { ...FIRST_VIEW, table: 0, rows }
  expect(screen(view, { columns: 40, lines: 6 })).toEqual([
    'setting (1/' + screen(view, { columns: 40, lines: 6 })[0]?.split('/')[1],
    '  name  value',
    '> a     (secret)',
    '  b     (secret)',
    '  c     (secret)',
    'left/right table  up/down row  enter all',
  ])
  expect(pressed(view, [key('down'), key('down'), key('down'), key('up')]).chosen).toBe(1)
  expect(step(view, key('right'))).toMatchObject({ view: { table: 1 }, read: 'rows' })
  expect(pressed(view, [key('d')]).dark).toBe(!view.dark)
  const typing = pressed(view, [{ sequence: '/' }, { name: 'q', sequence: 'q' }, { name: 'x', sequence: 'x' }])
  expect(typing.typing).toBe('qx')
  expect(step(typing, key('return'))).toMatchObject({ view: { search: 'qx', typing: null }, read: 'rows' })
  expect(pressed(view, [key('return')]).overlay).toEqual(['name   a', 'value  (secret)'])
  expect(step(view, key('q'))).toBe('quit')
  expect(step(view, { name: 'c', ctrl: true })).toBe('quit')
})

test('LU-25 a channel is drawn as a curve', () => {
  const lines = curve([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { columns: 36, label: 'x' })
  expect(lines).toHaveLength(13)
  expect(lines[1]).toMatch(/^ +10\.000 +•+$/)
  expect(lines.at(-1)).toMatch(/^ +0\.0000 •/)
  expect(curve([], { columns: 40, label: 'x' })).toEqual(['x: no samples.'])
})
