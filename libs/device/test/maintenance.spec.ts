/** What a device is asked besides single runs: identity, log, counters, temperatures, calibration, repetitions. */
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import { connectDevice, serveDevice, type DeviceClient } from '../src/index.ts'
import { lucidac, MAC } from './descriptions.ts'
import { scriptedDevice } from './raw-peer.ts'

const host = '127.0.0.1'
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
const request = {
  id: 'run-1',
  icTimeNs: 100_000,
  opTimeNs: 2_000_000,
  sampleRateHz: 100_000,
  haltOnOverload: false,
  finalValues: true,
}

async function withVirtual(use: (client: DeviceClient, commands: string[]) => Promise<void>): Promise<void> {
  const commands: string[] = []
  const server = await serveDevice({
    computer: new SimulatedComputer({ description: lucidac, pace }),
    port: 0,
    onCommand: ({ command }) => commands.push(command),
  })
  const client = await connectDevice({ host, port: server.port })
  await use(client, commands)
  await client.close()
  await server.close()
}

test('a virtual device tells its identity, its log and its counters', () =>
  withVirtual(async (client) => {
    expect(await client.systemIdent()).toEqual({
      mac: MAC,
      build: { device: 'virtual' },
      image: { bytes: 0, sha256: '' },
    })
    await client.reset()
    await client.configure(testConfiguration(MAC, oscillator(0.5)))
    for await (const event of client.run(request)) void event
    expect(await client.systemLog()).toEqual(['reset', '5 items loaded', 'run run-1 is over'])
    expect(await client.runCounters()).toEqual({ icTimeUs: 100, opTimeUs: 2_000, haltTimeUs: 0, runs: 1 })
    expect(await client.temperatures()).toEqual([])
  }))

test('it is calibrated, put to rest and held by hand with one command each', () =>
  withVirtual(async (client, commands) => {
    await client.calibrate({ gain: true, offset: true })
    await client.standBy('rest')
    await client.manual('HALT')
    expect(commands).toEqual(['calibrationCommand', 'standByCommand', 'manualControlCommand'])
  }))

test('temperatures come sensor by sensor', async () => {
  const warm = await scriptedDevice((_envelope, { reply }) =>
    reply({
      readTemperatureResponse: {
        dataset: { measurements: [{ entity: { path: `/${MAC}/0/M0` }, temperature: { value: 41.5, unit: 1 } }, {}] },
      },
    }),
  )
  const client = await connectDevice({ host, port: warm.port })
  expect(await client.temperatures()).toEqual([
    { entity: `${MAC}/0/M0`, value: 41.5, unit: 1 },
    { entity: '', value: 0, unit: 0 },
  ])
  await client.close()
  await warm.close()
})

test('a repetitive run starts over until its repetition is the last', () =>
  withVirtual(async (client) => {
    await client.configure(testConfiguration(MAC, oscillator(0.8)))
    const story: string[] = []
    let repetitions = 0
    for await (const event of client.run({ ...request, repetitive: true })) {
      if (event.kind === 'phase') story.push(event.phase)
      else if (event.kind === 'samples') story.push(`${event.chunk.firstIndex}+${event.chunk.count}`)
      else story.push(event.kind)
      if (event.kind === 'phase' && event.phase === 'OP') repetitions += 1
      if (event.kind === 'phase' && event.phase === 'OP' && repetitions === 3) await client.endRepetition()
    }
    const one = ['IC', 'OP', '0+200', 'OP_END', 'final']
    expect(story.slice(0, 11)).toEqual(['TAKE_OFF', ...one, ...one])
    expect(story.length % one.length).toBe(2)
    expect(story.at(-1)).toBe('DONE')
    expect(repetitions).toBeGreaterThanOrEqual(3)
  }))

test('a repetitive run is stopped like any other', () =>
  withVirtual(async (client) => {
    await client.configure(testConfiguration(MAC, oscillator(0.8)))
    const abort = new AbortController()
    let last = ''
    for await (const event of client.run({ ...request, repetitive: true }, abort.signal)) {
      if (event.kind === 'samples') abort.abort()
      if (event.kind === 'phase') last = event.phase
    }
    expect(last).toBe('DONE')
  }))
