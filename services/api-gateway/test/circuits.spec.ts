import { PORTABLE_CARRIER, type Configuration } from '@lucihub/analog'
import { decodeApb, encodeApb, writeCircuitJson } from '@lucihub/device/files'
import { CONFIGURATION, MAC, uuidOf, storedRun } from './answerer.ts'
import { gatewayInTest, jsonBody, problemOf, type GatewayInTest } from './gateway-in-test.ts'

let hub: GatewayInTest
beforeAll(async () => {
  hub = await gatewayInTest()
})
afterAll(() => hub.close())
beforeEach(() => {
  hub.shelf.runs.clear()
  hub.shelf.submissions.length = 0
})

const OTHER = '04-E9-E5-00-00-77'
const [CARRIER] = CONFIGURATION.carriers
const on = (carrier: string): Configuration => ({ ...CONFIGURATION, carriers: [{ ...CARRIER!, carrier }] })
const EQUATIONS = [
  '# A circuit of 1 integrator, 0 other elements and 1 lane.',
  '# k0 = 100 per second; 100 units of t pass per second of op time.',
  '',
  'let diff[x, t](t) = -0.5 * x(t);',
  'let diff[cmd, t](t) = 0;',
  '',
  'let x(t: 0) = 2;',
  '',
  'probe x(t);',
  'probe cmd(t); # V',
  '',
].join('\n')
/** As formats keep it that know neither labels nor gains. */
const BARE: Configuration = {
  carriers: [{ ...CARRIER!, adc: CARRIER!.adc.map((channel) => ({ ...channel, gain: 1 })) }],
  probes: [
    { label: 'probe 0', unit: '' },
    { label: 'probe 1', unit: '' },
  ],
  problemTimePerSecond: 0,
}
const bytes = (body: Uint8Array, accept = 'application/json'): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream', accept },
  body: Buffer.from(body),
})

describe('inspecting', () => {
  test('our JSON is checked, decompiled and counted', async () => {
    const inspection = await hub.client().inspect(CONFIGURATION)
    expect(inspection).toMatchObject({
      format: 'configuration',
      deviceId: null,
      configuration: CONFIGURATION,
      violations: [],
      equations: EQUATIONS,
      remarks: [],
    })
    expect(inspection.elements).toEqual([
      { kind: 'integrator', used: 1, available: 8 },
      { kind: 'multiplier', used: 0, available: 4 },
      { kind: 'identity', used: 0, available: 4 },
      { kind: 'lane', used: 1, available: 32 },
      { kind: 'ADC channel', used: 2, available: 8 },
    ])
    expect(await hub.client().inspect({ configuration: CONFIGURATION, report: null })).toEqual(inspection)
  })

  test.each([
    ['apb', () => encodeApb({ configuration: CONFIGURATION }), { ...BARE, carriers: CONFIGURATION.carriers }],
    ['circuit', () => writeCircuitJson(CONFIGURATION), BARE],
    ['carriers', () => writeCircuitJson(on(OTHER)), { ...BARE, carriers: [{ ...BARE.carriers[0]!, carrier: OTHER }] }],
  ] as const)('%s is recognised', async (format, content, configuration) => {
    expect(await hub.client().inspect(content())).toMatchObject({ format, configuration, violations: [] })
  })

  test('a named device takes over what was made for another', async () => {
    const inspection = await hub.client().inspect(writeCircuitJson(on(OTHER)), { device: 'lucidac-1' })
    expect(inspection).toMatchObject({
      deviceId: MAC,
      violations: [],
      configuration: { carriers: [{ carrier: PORTABLE_CARRIER }] },
    })
    const apb = await hub.client().inspect(CONFIGURATION, { device: 'lucidac-1', format: 'apb' })
    expect(decodeApb(apb).configuration?.carriers[0]?.carrier).toBe(MAC)
    await expect(hub.client().inspect(CONFIGURATION, { device: 'nobody' })).rejects.toMatchObject({
      type: 'validation-failed',
    })
  })

  test('faults are a result, with pointers into the file or into the configuration that was read', async () => {
    const misshapen = await hub.client().inspect({ '/0': { '/C': { elements: [2] } } })
    expect(misshapen).toEqual({
      format: 'circuit',
      deviceId: null,
      configuration: null,
      violations: [
        {
          pointer: '/~10/~1C/elements/0',
          value: '2',
          message: 'A coefficient is a number from -1 to 1.',
          remedy: 'Send a number from -1 to 1.',
        },
      ],
      equations: null,
      remarks: [],
      elements: [],
    })
    const unfit = await hub.client().inspect({ ...CONFIGURATION, probes: [] })
    expect(unfit.violations.map(({ pointer }) => pointer)).toEqual([
      '/configuration/carriers/0/adc/0/probe',
      '/configuration/carriers/0/adc/1/probe',
    ])
    expect(unfit).toMatchObject({ equations: null, elements: [] })
    expect((await hub.client().inspect({ carriers: 3 })).violations.map(({ pointer }) => pointer)).toContain(
      '/carriers',
    )
  })

  test('picture, equations and .apb by content negotiation', async () => {
    const inspect = (accept: string) =>
      hub.ask('/api/v1/circuits/inspect', bytes(encodeApb({ configuration: CONFIGURATION }), accept))
    const picture = await inspect('image/svg+xml')
    expect([picture.status, picture.headers.get('content-type'), picture.headers.get('vary')]).toEqual([
      200,
      'image/svg+xml; charset=utf-8',
      'accept',
    ])
    expect(await picture.text()).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [\s\S]*<\/svg>\n$/)
    expect(await (await inspect('text/plain')).text()).toContain('let diff[i0, t](t) = -0.5')
    const apb = await inspect('application/octet-stream')
    expect(Buffer.from(await apb.arrayBuffer())).toEqual(Buffer.from(encodeApb({ configuration: CONFIGURATION })))
    expect((await inspect('image/png')).status).toBe(406)
    const faulty = await hub.ask('/api/v1/circuits/inspect', {
      ...jsonBody({ '/0': { '/C': { elements: [2] } } }),
      headers: { 'content-type': 'application/json', accept: 'image/svg+xml' },
    })
    expect(await problemOf(faulty)).toMatchObject({ status: 422, violations: [{ pointer: '/~10/~1C/elements/0' }] })
  })

  test.each([
    ['an unknown object', jsonBody({ hello: 'world' }), 400],
    ['no object', jsonBody([1]), 400],
    ['bytes that are no file', bytes(Uint8Array.from([0x0f, 0xff])), 400],
    ['another type', { method: 'POST', headers: { 'content-type': 'application/xml' }, body: 'x' }, 415],
  ])('%s is no circuit', async (_what, init, status) => {
    expect((await hub.ask('/api/v1/circuits/inspect', init)).status).toBe(status)
  })

  test('bytes are for inspection only', async () => {
    expect(await problemOf(await hub.ask('/api/v1/runs', bytes(new Uint8Array(4))))).toMatchObject({
      type: '/problems/unsupported-media-type',
      detail: 'This route takes application/json, not bytes.',
    })
  })

  test('a key needs the scope of compiling', async () => {
    await expect(hub.client({ scopes: ['runs:read'] }).inspect(CONFIGURATION)).rejects.toMatchObject({
      type: 'forbidden',
    })
  })
})

describe('a run', () => {
  const RUN = { kind: 'run', opTimeNs: 1_000_000 } as const
  const base64 = (configuration: Configuration) => Buffer.from(encodeApb({ configuration })).toString('base64')

  test.each([
    ['apb', () => ({ apb: base64(on(OTHER)) }), { ...BARE, carriers: CONFIGURATION.carriers }],
    ['circuit', () => ({ circuit: writeCircuitJson(CONFIGURATION) }), BARE],
    ['carriers', () => ({ circuit: writeCircuitJson(on(OTHER)) }), BARE],
  ])('may be brought as %s', async (_format, brought, configuration) => {
    const { run } = await hub.client().submitRun({ ...RUN, ...brought() })
    expect(run).toMatchObject({ source: null, report: null })
    expect(await hub.client().configuration(run.id)).toEqual(configuration)
  })

  test.each([
    ['a circuit that is malformed', { circuit: { '/0': { '/U': { outputs: [99] } } } }, '/circuit/~10/~1U/outputs/0'],
    ['a circuit that is none', { circuit: { hello: 1 } }, '/circuit'],
    ['an .apb that is none', { apb: 'D/8=' }, '/apb'],
    ['what is not base64', { apb: 'a' }, '/apb'],
    ['a circuit that the device cannot carry', { circuit: { '/1': {} } }, '/circuit/carriers/0/clusters/0/index'],
    [
      'an .apb that the device cannot carry',
      { apb: base64({ ...CONFIGURATION, carriers: [{ ...CARRIER!, adc: [{ ...CARRIER!.adc[0]!, output: 40 }] }] }) },
      '/apb/carriers/0/adc/0/output',
    ],
    ['two of the four', { apb: 'AAAA', circuit: {} }, '/source'],
  ])('%s is refused with its place', async (_what, brought, pointer) => {
    const problem = await problemOf(await hub.ask('/api/v1/runs', jsonBody({ ...RUN, ...brought })))
    expect(problem).toMatchObject({ status: 422, violations: [{ pointer }] })
    expect(hub.shelf.submissions).toEqual([])
  })

  test('gives its configuration in every form', async () => {
    const id = uuidOf('formed')
    storedRun(hub.shelf, { id, ownerId: 'ada', state: 'COMPLETED' })
    const client = hub.client()
    expect(await client.configuration(id)).toEqual(CONFIGURATION)
    expect(await client.configuration(id, { format: 'equations' })).toBe(EQUATIONS)
    expect(await client.configuration(id, { format: 'svg' })).toContain('>x</text>')
    expect(Buffer.from(await client.configuration(id, { format: 'apb' }))).toEqual(
      Buffer.from(encodeApb({ configuration: CONFIGURATION })),
    )
    const first = await hub.ask(`/api/v1/runs/${id}/configuration`, { headers: { accept: 'image/svg+xml' } })
    const etag = first.headers.get('etag') ?? ''
    const again = await hub.ask(`/api/v1/runs/${id}/configuration`, {
      headers: { accept: 'image/svg+xml', 'if-none-match': etag },
    })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const json = await hub.ask(`/api/v1/runs/${id}/configuration`, { headers: { 'if-none-match': etag } })
    expect(json.status).toBe(200)
  })
})
