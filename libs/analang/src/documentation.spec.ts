/** The documents of the language are kept true: each program in them does what stands beside it. */
import { readFileSync } from 'node:fs'
import { LUCIDAC } from '@lucihub/analog'
import { compile } from './compile.ts'
import { DIAGNOSTICS } from './diagnostics.ts'

function documentAt(path: string): string {
  return readFileSync(new URL(`../../../docs/${path}`, import.meta.url), 'utf8')
}

/** Fenced blocks without a language, or with this one, and the last heading before each. */
function blocksOf(document: string, language = ''): { heading: string; text: string }[] {
  let heading = ''
  return [...document.matchAll(/^#+ (.*)$|^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, title, fence, text]) => {
    if (title !== undefined) heading = title
    return text !== undefined && fence === language ? [{ heading, text }] : []
  })
}

const reference = documentAt('analang.md')
const diagnostics = documentAt('diagnostics.md')

test.each(blocksOf(reference, 'ana').map(({ heading, text }) => [heading, text] as const))(
  'a program of the reference compiles: %s',
  (_heading, text) => {
    const compiled = compile(text, { device: LUCIDAC, opTimeNs: 1_000_000 })
    expect(compiled.diagnostics).toEqual([])
    expect(compiled.result).not.toBeNull()
  },
)

test('the reference shows every statement and every function of the language', () => {
  const programs = blocksOf(reference, 'ana')
    .map(({ text }) => text)
    .join('\n')
  const words = 'use let probe as range diff sin cos tan exp log sqrt tanh sinh cosh atan pow pi'.split(' ')
  expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(programs))).toEqual([])
})

test('every diagnostic is documented as the table has it, in its order', () => {
  const headings = [...diagnostics.matchAll(/^### (ANA\d{4}: .*)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(Object.entries(DIAGNOSTICS).map(([code, { title }]) => `${code}: ${title}`))
  for (const { severity, explanation } of Object.values(DIAGNOSTICS))
    expect(diagnostics).toContain(`\n\n*${severity}.* ${explanation}\n`)
})

test.each(blocksOf(diagnostics).map(({ heading, text }) => [heading, text] as const))(
  'the example is answered so: %s',
  (heading, text) => {
    const codes = compile(text, { device: LUCIDAC, opTimeNs: 10_000_000 }).diagnostics.map(({ code }) => code)
    expect(codes).toContain(heading.slice(0, 7))
  },
)
