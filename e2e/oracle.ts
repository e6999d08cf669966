/**
 * What a run must have measured. An ideal simulation is a pure function of the configuration, so every stored
 * sample can be compared bit by bit with one computed here, whatever happened to the run on its way.
 */
import { lucidacDescription, type Configuration } from '@lucihub/analog'
import { decodeApb, encodeApb } from '@lucihub/device'
import type { Client, RunResource } from '@lucihub/sdk'
import { SimulatedComputer } from '@lucihub/simulation'

/** The samples of every channel, as the device sends them (f32 machine values). */
export async function expectedSamples(configuration: Configuration, run: RunResource): Promise<Buffer[]> {
  const mac = configuration.carriers[0]?.carrier ?? ''
  const computer = new SimulatedComputer({ description: lucidacDescription(mac) })
  await computer.configure(onTheWire(configuration))
  const blocks: Uint8Array[][] = configuration.probes.map(() => [])
  const { icTimeNs, opTimeNs, sampleRateHz, haltOnOverload } = run
  for await (const event of computer.run({
    id: 'oracle',
    icTimeNs,
    opTimeNs,
    sampleRateHz,
    haltOnOverload,
    finalValues: false,
  })) {
    if (event.kind === 'samples') event.chunk.blocks.forEach((block, channel) => blocks[channel]?.push(block.slice()))
  }
  return blocks.map((parts) => Buffer.concat(parts))
}

/** The configuration as a device receives it: coefficients travel in single precision. */
function onTheWire(configuration: Configuration): Configuration {
  const received = decodeApb(encodeApb({ configuration })).configuration
  if (!received) throw new Error('a configuration was lost on the wire')
  return received
}

/** The samples of every channel as the hub has them stored. */
export async function storedSamples(client: Client, id: string): Promise<Buffer[]> {
  const { channels } = await client.channels(id)
  return Promise.all(
    channels.map(async ({ index }) => {
      const response = await client.results(id, { format: 'raw', encoding: 'native', channels: [index] })
      return Buffer.from(await response.arrayBuffer())
    }),
  )
}

/** Fails with the first difference between what is stored and what the device made. */
export async function expectExact(client: Client, run: RunResource): Promise<void> {
  const expected = await expectedSamples(await client.configuration(run.id), run)
  const stored = await storedSamples(client, run.id)
  expect(stored.map((samples) => samples.length / 4)).toEqual(expected.map((samples) => samples.length / 4))
  stored.forEach((samples, channel) => {
    const at = samples.equals(expected[channel] ?? Buffer.alloc(0))
      ? -1
      : samples.findIndex((byte, index) => byte !== expected[channel]?.[index])
    expect({ channel, firstDifference: at < 0 ? null : Math.floor(at / 4) }).toEqual({ channel, firstDifference: null })
  })
}
