/** Circuits from files, through the whole hub: what they compute does not depend on the form they come in. */
import { jest } from '@jest/globals'
import { writeCircuitJson } from '@lucihub/device/files'
import { HARMONIC, runningHub, type RunningHub } from './running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub

beforeAll(async () => {
  running = await runningHub()
})
afterAll(() => running?.stop())

test('a program, its .apb, its circuit JSON and its decompilation compute the same', async () => {
  const { client, complete } = running
  const rest = { kind: 'simulate', opTimeNs: 1_000_000, sampleRateHz: 50_000 } as const
  const program = await complete({ ...rest, source: HARMONIC })
  const configuration = await client.configuration(program.id)
  const gains = configuration.carriers.flatMap(({ adc }) => adc.map(({ gain }) => gain))
  const expected = await valuesOf(program.id)

  const apb = Buffer.from(await client.configuration(program.id, { format: 'apb' })).toString('base64')
  const fromApb = await complete({ ...rest, apb })
  expect([fromApb.state, fromApb.reason]).toEqual(['COMPLETED', ''])
  expectClose(await valuesOf(fromApb.id), expected)

  const fromJson = await complete({ ...rest, circuit: writeCircuitJson(configuration) })
  expect([fromJson.state, fromJson.reason]).toEqual(['COMPLETED', ''])
  // Circuit JSON knows no gains: its values are the machine's.
  expectClose(
    (await valuesOf(fromJson.id)).map((values, index) => values.map((value) => value * (gains[index] ?? NaN))),
    expected,
  )

  const source = await client.configuration(program.id, { format: 'equations' })
  const again = await complete({ ...rest, source })
  expect([again.state, again.reason]).toEqual(['COMPLETED', ''])
  expectClose(await valuesOf(again.id), expected)

  expect(await client.configuration(program.id, { format: 'svg' })).toMatch(/^<svg [\s\S]*>x<\/text>[\s\S]*<\/svg>\n$/)
})

async function valuesOf(id: string): Promise<number[][]> {
  const { channels } = await running.client.samples(id)
  return channels.map(({ values }) => [...values])
}

function expectClose(found: readonly number[][], expected: readonly number[][]): void {
  expect(found.map((values) => values.length)).toEqual(expected.map((values) => values.length))
  found.forEach((values, channel) =>
    values.forEach((value, k) => expect(value).toBeCloseTo(expected[channel]?.[k] ?? NaN, 4)),
  )
}
