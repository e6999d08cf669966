import { extentOf, marks } from './axis.ts'
import { canvas } from './braille.ts'
import { formatCount, formatDuration, formatNumber, parseCount, parseDuration, parsePosition } from './duration.ts'
import { bar, progressLine, type Progress } from './progress.ts'
import { svgPlot } from './svg.ts'
import { facts, table } from './table.ts'
import { terminalPlot } from './terminal-plot.ts'

test.each([
  ['20ms', 20_000_000],
  ['1.5s', 1_500_000_000],
  ['200us', 200_000],
  ['200µs', 200_000],
  ['100ns', 100],
  ['2min', 120e9],
  ['1e3 us', 1e6],
])('%s is %p ns', (text, ns) => expect(parseDuration(text)).toBe(ns))

test.each(['20', 'ms', '-1ms', '1h', '', '1.ms', '1ms2', '1e300s', '1constructor'])('%j is not a duration', (text) => {
  expect(() => parseDuration(text)).toThrow(/duration/)
})

test.each([
  ['50k', 50_000],
  ['10000', 10_000],
  ['1.5M', 1_500_000],
  ['0', 0],
])('%s is the count %p', (text, count) => {
  expect(parseCount(text)).toBe(count)
})

test.each(['k', '1.5', '-3', '10K', '1 000'])('%j is not a count', (text) => {
  expect(() => parseCount(text)).toThrow('This is a whole number, perhaps with k or M: 10000, 50k, 1M.')
})

test('a position is an op time in seconds or a sample', () => {
  expect([parsePosition('1.5ms'), parsePosition('#12')]).toEqual([0.0015, '#12'])
})

test('quantities are said briefly', () => {
  expect([1_500_000_000, 20_000_000, 200_000, 100, 0].map(formatDuration)).toEqual([
    '1.5 s',
    '20 ms',
    '200 us',
    '100 ns',
    '0 ns',
  ])
  expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1 000', '1 234 567'])
  expect([0.1, 1 / 3, 12345.6, NaN].map(formatNumber)).toEqual(['0.1', '0.3333', '12350', 'NaN'])
})

test('a table aligns its columns and disarms its cells', () => {
  const rows = [
    ['x', '12'],
    ['long\u001b[31m', '3'],
  ]
  expect(table([{ title: 'NAME' }, { title: 'N', align: 'right' }], rows)).toBe(
    ['NAME        N', 'x          12', 'long\u{fffd}[31m   3'].join('\n'),
  )
  expect(
    facts([
      ['a', '1'],
      ['none', null],
      ['bcd', '2'],
    ]),
  ).toBe('a    1\nbcd  2')
})

test('a Braille canvas sets the eight dots of a character in their places', () => {
  const one = (x: number, y: number): string => {
    const drawing = canvas(1, 1)
    drawing.dot(x, y)
    return drawing.rows().join()
  }
  expect([one(0, 0), one(1, 0), one(0, 2), one(0, 3), one(1, 3), one(2, 0)]).toEqual(['⠁', '⠈', '⠄', '⡀', '⢀', '⠀'])
})

test('lines go from dot to dot, whatever lies outside', () => {
  const drawing = canvas(2, 1)
  drawing.line(0, 0, 3, 3)
  drawing.line(NaN, 0, 1, Infinity)
  expect(drawing.rows()).toEqual(['⠑⢄'])
})

test('marks are round and lie within the range', () => {
  expect(marks({ low: -1, high: 1 }, 4)).toEqual([-1, -0.5, 0, 0.5, 1])
  expect(marks({ low: 0.012, high: 0.049 }, 4)).toEqual([0.02, 0.03, 0.04])
})

test('the range of a constant or of nothing is not empty', () => {
  expect(extentOf([3, 3])).toEqual({ low: 0, high: 6 })
  expect(extentOf([0, null])).toEqual({ low: -1, high: 1 })
  expect(extentOf([])).toEqual({ low: -1, high: 1 })
})

const RISING = [0, 1, 2, 3]
const FIGURE = {
  title: 'a < b & "c"',
  traces: [{ label: 'x<y', unit: 'V', minimum: RISING, maximum: RISING }],
  phase: { xLabel: 'x', yLabel: 'y', x: [0, 1, 1, 0], y: [0, 0, 1, 1] },
  time: { from: 0, to: 1.5, label: 't' },
}

test('a plot in the terminal has the range on the left and the time below', () => {
  const lines = terminalPlot({ ...FIGURE, phase: null }, 32).split('\n')
  expect(lines).toEqual([
    'x<y [V]',
    expect.stringMatching(/^ {10}3 \u2800+.*[\u2801-\u28ff]$/),
    expect.stringMatching(/^ {12}/),
    expect.stringMatching(/^ {12}/),
    expect.stringMatching(/^ {12}/),
    expect.stringMatching(/^ {12}/),
    expect.stringMatching(/^ {10}0 [\u2801-\u28ff]/),
    '            0              1.5 t',
  ])
})

test('a phase portrait is drawn as a path', () => {
  const lines = terminalPlot({ ...FIGURE, traces: [] }, 80).split('\n')
  expect(lines[1]).toBe('y against x')
  expect(lines[2]).toMatch(/^ {10}1 ⠉+⢹$/)
  expect(lines.at(-2)).toMatch(/^ {10}0 ⣀+⣸$/)
})

test('an SVG plot is one document with its text escaped', () => {
  const svg = svgPlot(FIGURE)
  expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true)
  expect(svg.endsWith('</svg>\n')).toBe(true)
  expect(svg).toContain('a &lt; b &amp; &quot;c&quot;')
  expect(svg).toContain('x&lt;y [V]')
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  // The trace rises from the lower left to the upper right and back along itself.
  expect(svg).toContain('<path d="M70 185.96L340 141.32L610 96.68L880 52.04L880 52.04')
})

test('an SVG plot of a run with gaps leaves them out', () => {
  const gap = [null, 1, null, NaN]
  const svg = svgPlot({ ...FIGURE, phase: null, traces: [{ label: 'x', unit: '', minimum: gap, maximum: gap }] })
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
})

test('a bar fills in eighths of a character', () => {
  expect([bar(0), bar(1 / 192), bar(0.5), bar(1)].map((text) => text.trimEnd())).toEqual([
    '',
    '▏',
    '█'.repeat(12),
    '█'.repeat(24),
  ])
  expect(bar(0)).toHaveLength(24)
})

const PROGRESS: Progress = { state: 'RUNNING', phase: 'OP', samples: 2500, expected: 10_000, note: '' }

test('on a terminal the progress is one line, rewritten', () => {
  let out = ''
  const line = progressLine({ write: (text) => (out += text), rewritable: true, columns: 80 })
  line.show(PROGRESS)
  line.show(PROGRESS)
  line.say('lost: chunks 1 to 2')
  line.clear()
  const shown = `RUNNING OP  ${'█'.repeat(6)}${' '.repeat(18)}  25 %  2 500 / 10 000 samples`
  const erase = '\r\u001b[2K'
  expect(out).toBe(`${shown}${erase}lost: chunks 1 to 2\n${shown}${erase}`)
})

test('in a log file the progress is a line per change of state', () => {
  let out = ''
  const line = progressLine({ write: (text) => (out += text), rewritable: false, columns: 80 })
  line.show({ ...PROGRESS, state: 'QUEUED', phase: null, samples: 0 })
  line.show({ ...PROGRESS, samples: 1 })
  line.show(PROGRESS)
  line.show({ ...PROGRESS, state: 'FAILED', note: 'no\nluck' })
  line.clear()
  expect(out).toBe('QUEUED\nRUNNING OP\nFAILED (no\u{fffd}luck)\n')
})
