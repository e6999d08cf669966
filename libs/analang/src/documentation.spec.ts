/** The documents of the language are kept true: each program in them does what stands beside it. */
import { readFileSync } from 'node:fs'
import { LUCIDAC, lucidacDescription, PORTABLE_CARRIER } from '@lucihub/analog'
import { SimulatedComputer } from '@lucihub/simulation'
import { record } from '@lucihub/simulation/conformance'
import { compile } from './compile.ts'
import { DIAGNOSTICS } from './diagnostics.ts'
import { solve } from './solve.ts'

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
  'a program of the reference compiles and runs: %s',
  async (_heading, text) => {
    const opTimeNs = 1_000_000
    const { diagnostics, result } = compile(text, { device: LUCIDAC, opTimeNs })
    expect(diagnostics).toEqual([])
    if (!result) throw new Error('nothing was compiled')
    const machine = new SimulatedComputer({ description: lucidacDescription(PORTABLE_CARRIER) })
    await machine.configure(result.configuration)
    const { phases, channels } = await record(machine, { opTimeNs, sampleRateHz: 10_000 })
    expect(phases.at(-1)).toBe('DONE')
    expect(await machine.overload()).toEqual({ overloaded: false, outputs: [] })
    const solution = solve(text, {
      problemTime: { t0: 0, dt: result.configuration.problemTimePerSecond / 10_000, count: 10 },
    })
    if (!('values' in solution)) throw new Error('the program is not solved')
    const adc = result.configuration.carriers.flatMap((carrier) => carrier.adc)
    solution.values.forEach((values, probe) => {
      const { gain = NaN, offset = NaN } = adc.find((channel) => channel.probe === probe) ?? {}
      values.forEach((value, index) =>
        expect(Math.abs((channels[probe]?.[index] ?? NaN) - (value - offset) / gain)).toBeLessThan(1e-4),
      )
    })
  },
)

test('the reference shows every statement and every function of the language', () => {
  const programs = blocksOf(reference, 'ana')
    .map(({ text }) => text)
    .join('\n')
  const words = 'use let probe as range in diff sin cos tan exp log sqrt tanh sinh cosh atan pow pi'.split(' ')
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
