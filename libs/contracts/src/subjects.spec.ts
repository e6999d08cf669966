import fc from 'fast-check'
import { Problem } from '@lucihub/analog'
import { STREAMS } from './streams.ts'
import { broadcasts, compiler, deadLetterSubject, feeds, healthSubject, store, token } from './subjects.ts'

test('a token is 1 to 64 letters, digits, "-", "_" or ":"', () => {
  for (const text of ['a', 'host-1', '04-E9-E5-15-87-A0', 'A_b:9', 'x'.repeat(64)]) expect(token(text)).toBe(text)
})

test.each([
  ['', 'empty'],
  ['a.b', 'a dot'],
  ['*', 'a wildcard'],
  ['>', 'the rest'],
  ['a b', 'a space'],
  ['a\tb', 'a tab'],
  ['a\r\nPUB', 'a line'],
  ['ü', 'another alphabet'],
  ['$JS', 'a system prefix'],
  ['x'.repeat(65), 'too much'],
])('%j is refused as a token: %s', (text) => {
  expect(() => token(text)).toThrow(Problem)
  expect(() => token(text)).toThrow(/cannot be part of a subject: use 1 to 64 letters, digits, "-", "_" or ":"\.$/)
})

test('no address can reach beyond its own subject', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (host, device) => {
      try {
        const subject = feeds.runCommand.subject(host, device)
        expect(subject.split('.')).toEqual(['lh', 'v1', 'cmd', host, device])
        expect(subject).not.toMatch(/[*>\s]/)
      } catch (error) {
        expect(error).toBeInstanceOf(Problem)
      }
    }),
  )
})

test('subjects and filters', () => {
  expect(feeds.runCommand.subject('h', 'd')).toBe('lh.v1.cmd.h.d')
  expect(feeds.runCommand.filter()).toBe('lh.v1.cmd.>')
  expect(feeds.runCommand.filter('h')).toBe('lh.v1.cmd.h.>')
  expect(feeds.journal.subject('h', 'd', 'r')).toBe('lh.v1.jrn.h.d.r')
  expect(broadcasts.view.subject('r')).toBe('lh.v1.view.r')
  expect(store.lease).toMatchObject({ subject: 'lh.v1.rpc.store.lease', perHost: true })
  expect(store.getRun).toMatchObject({ subject: 'lh.v1.rpc.store.get-run', perHost: false })
  expect(compiler.compile.subject).toBe('lh.v1.rpc.compiler.compile')
  expect(deadLetterSubject('lh.v1.jrn.h.d.r')).toBe('lh.v1.dlq.lh.v1.jrn.h.d.r')
  expect(healthSubject('run-store')).toBe('lh.v1.health.run-store')
})

const takenBy = (subject: string): readonly string[] =>
  Object.values(STREAMS)
    .filter(({ subjects }) => subjects.some((pattern) => subject.startsWith(pattern.slice(0, -1))))
    .map(({ name }) => name)

test('every feed lies in its stream and in no other, no rpc or broadcast in any', () => {
  for (const feed of Object.values(feeds)) expect(takenBy(feed.filter())).toEqual([STREAMS[feed.stream].name])
  expect(takenBy(deadLetterSubject(feeds.journal.filter()))).toEqual(['LH_DLQ'])
  expect(takenBy(healthSubject('x'))).toEqual(['LH_HEALTH'])
  for (const { subject } of [...Object.values(store), ...Object.values(compiler)]) expect(takenBy(subject)).toEqual([])
  for (const { pattern } of Object.values(broadcasts)) expect(takenBy(pattern)).toEqual([])
})

test('every subject is declared once', () => {
  const subjects = [
    ...[...Object.values(store), ...Object.values(compiler)].map(({ subject }) => subject),
    ...Object.values(feeds).map((feed) => feed.filter()),
    ...Object.values(broadcasts).map(({ pattern }) => pattern),
  ]
  expect(new Set(subjects).size).toBe(subjects.length)
})

test('every stream is bounded in time and size', () => {
  for (const { maxAgeMs, maxBytes } of Object.values(STREAMS)) {
    expect(maxAgeMs).toBeGreaterThan(0)
    expect(maxBytes).toBeGreaterThan(0)
  }
})
