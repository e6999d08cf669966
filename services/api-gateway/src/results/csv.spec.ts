import { csvCell } from './csv.ts'

test.each([
  ['x', 'x'],
  ['angle, left', '"angle, left"'],
  ['say "x"', '"say ""x"""'],
  ['two\nlines', '"two\nlines"'],
  ['=1+1', "'=1+1"],
  ['+x', "'+x"],
  ['-x', "'-x"],
  ['@sum', "'@sum"],
  ['\tx', "'\tx"],
  ['\rx', '"\'\rx"'],
  ['\0x', "'\0x"],
  ['＝1', "'＝1"],
  ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
])('the label %j becomes the cell %j', (label, cell) => {
  expect(csvCell(label)).toBe(cell)
})
