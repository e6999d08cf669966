/**
 * Signs and scales on every machine there is: simulated, virtual over TCP, as datagrams and behind a proxy, and on a
 * real one where LUCIHUB_TEST_DEVICE gives its `host` or `host:port`.
 */
import {
  lucidacDescription,
  mredacDescription,
  redacDescription,
  specificationOf,
  type DeviceDescription,
} from '@lucihub/analog'
import { fastPace, REALISTIC, SimulatedComputer, type Imperfections } from '@lucihub/simulation'
import { conformance, signs } from '@lucihub/simulation/conformance'
import { connectDevice, DEVICE_PORT, serveDevice, type ConnectOptions, type ServeOptions } from '../src/index.ts'

const host = '127.0.0.1'
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
/** Of a well calibrated machine: errors of lanes, offsets and the converter together, machine units. */
const REAL_TOLERANCE = 2e-2

const lucidac = lucidacDescription('04-E9-E5-00-00-01')
const mredac = mredacDescription('04-E9-E5-00-00-02')
const redac = redacDescription(['04-E9-E5-00-00-03', '04-E9-E5-00-00-04', '04-E9-E5-00-00-05'])

interface Virtual {
  readonly description: DeviceDescription
  readonly serve?: Partial<ServeOptions>
  readonly connect?: Partial<ConnectOptions>
  readonly imperfections?: Imperfections
}

async function virtual({
  description,
  serve,
  connect,
  imperfections = { ...REALISTIC, gainError: 0, offset: 0, noise: 0 },
}: Virtual) {
  const computer = new SimulatedComputer({ description, pace, imperfections })
  const server = await serveDevice({ computer, port: 0, ...serve })
  const client = await connectDevice({ host, port: server.port, ...connect })
  const close = async () => {
    await client.close()
    await server.close()
  }
  return { ...client, close }
}

/** With the converter's steps, whose half is the least deviation there is, and charging. */
const tolerance = 5e-3

describe.each<[string, DeviceDescription]>([
  ['LUCIDAC', lucidac],
  ['mREDAC', mredac],
  ['REDAC', redac],
])('%s', (kind, description) => {
  const device = specificationOf(description)
  signs(`A simulated ${kind}`, async () => new SimulatedComputer({ description, pace }), { device, tolerance: 1e-5 })
  signs(`A virtual ${kind}`, () => virtual({ description }), { device, tolerance })
})

signs(
  'A virtual mREDAC that streams datagrams',
  () => virtual({ description: mredac, serve: { datagrams: true }, connect: { dataOver: 'udp' } }),
  {
    device: specificationOf(mredac),
    tolerance,
  },
)
signs(
  "A REDAC behind a proxy's endpoint",
  () => virtual({ description: redac, serve: { proxy: { token: 't' } }, connect: { token: 't' } }),
  {
    device: specificationOf(redac),
    tolerance,
  },
)
signs(
  'A virtual LUCIDAC with the errors of a machine',
  () => virtual({ description: lucidac, imperfections: REALISTIC }),
  {
    device: specificationOf(lucidac),
    tolerance: REAL_TOLERANCE,
  },
)
conformance("A LUCIDAC behind a proxy's endpoint", () => virtual({ description: lucidac, serve: { proxy: {} } }), {
  tolerance,
})

const [address = '', port = String(DEVICE_PORT)] = (process.env['LUCIHUB_TEST_DEVICE'] ?? '').split(':')
if (address !== '') {
  const connect = () => connectDevice({ host: address, port: Number(port) })
  const client = await connect()
  const device = specificationOf(await client.describe())
  await client.close()
  const options = { device, tolerance: REAL_TOLERANCE }
  if (device.carriers[0]?.clusters[0]?.slots[1] === 'MMUL') conformance('The real machine', connect, options)
  signs('The real machine', connect, options)
}
