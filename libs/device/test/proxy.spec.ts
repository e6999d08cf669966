/** A REDAC behind a proxy's endpoint, as its clients see it. */
import { redacDescription, type RunEvent } from '@lucihub/analog'
import { fastPace, realTimePace, SimulatedComputer, type Pace } from '@lucihub/simulation'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectDevice, encodeFrame, serveDevice, type DeviceServer, type ServeOptions } from '../src/index.ts'
import { anabrid, type MessageToSend, type MessageV1 } from '../src/wire/messages.ts'
import { rawClient, type RawClient } from './raw-peer.ts'

const MACS = ['04-E9-E5-00-00-01', '04-E9-E5-00-00-02', '04-E9-E5-00-00-03'] as const
const [FIRST, SECOND, THIRD] = MACS
const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
let server: DeviceServer
let clients: RawClient[] = []

async function serve(options: Partial<ServeOptions> = {}, howFast: Pace = pace): Promise<void> {
  const computer = new SimulatedComputer({ description: redacDescription(MACS), pace: howFast })
  server = await serveDevice({ computer, port: 0, proxy: {}, ...options })
}

afterEach(async () => {
  for (const client of clients) client.socket.destroy()
  clients = []
  await server.close()
})

async function connected(): Promise<RawClient> {
  const client = await rawClient(server.port)
  clients.push(client)
  return client
}

async function ask(client: RawClient, message: MessageToSend): Promise<MessageV1> {
  client.send(encodeFrame({ messageV1: { id: 'q', ...message } }))
  const { messageV1 } = await client.next((envelope) => envelope.messageV1?.id === 'q')
  if (!messageV1) throw new Error('the reply is no message')
  return messageV1
}

const RUN: MessageToSend = {
  startRunCommand: {
    run: { id: 'r' },
    runConfig: { icTime: { value: 100, prefix: 2 }, opTime: { value: 1, prefix: 1 } },
    daqConfig: { sampleOp: true, sampleRate: 10_000 },
  },
}
const LONG: MessageToSend = {
  startRunCommand: { run: { id: 'long' }, runConfig: { icTime: { value: 1, prefix: 1 }, opTime: { value: 9 } } },
}
const configuration = (...macs: string[]): MessageToSend => ({
  configCommand: {
    resetBefore: true,
    module: {
      items: macs.map((mac, probe) => ({
        entity: { path: mac },
        adcConfig: { channels: [{ idx: 0, gain: 1, probe }] },
      })),
    },
  },
})

test('the description is that of all carriers, sorted by their places', async () => {
  await serve()
  const { extractResponse } = await ask(await connected(), { extractCommand: { recursive: true, specification: true } })
  const items = extractResponse?.module?.items ?? []
  expect(items.map(({ entitySpecification }) => entitySpecification?.entity?.id)).toEqual(MACS.map((mac) => `/${mac}`))
  expect(items.map(({ entitySpecification }) => entitySpecification?.entity?.locationV0?.carrier)).toEqual([0, 1, 2])
})

test('settings go to the carrier that they name; others reject them, and what names none is for all', async () => {
  await serve()
  const client = await connected()
  expect((await ask(client, configuration(THIRD, FIRST))).kind).toBe('configResponse')
  const stranger = await ask(client, configuration('AA-AA-AA-AA-AA-AA', FIRST, 'BB-BB-BB-BB-BB-BB'))
  expect(stranger.errorMessage?.description).toBe(
    'Config rejected — no backend found for entity path(s): AA-AA-AA-AA-AA-AA, BB-BB-BB-BB-BB-BB',
  )
  const channels = [{ idx: 3, gain: 1, probe: 0 }]
  const everywhere = await ask(client, {
    configCommand: { module: { items: [{ adcConfig: { channels } }] } },
  })
  // The same probe on three carriers: it came to all of them.
  expect(everywhere.errorMessage?.description).toMatch(/carriers.1.*carriers.2/)
})

test('phases are told for every carrier, and the end once, when all have ended', async () => {
  await serve()
  const client = await connected()
  await ask(client, configuration(FIRST, THIRD))
  await ask(client, RUN)
  const phases: string[] = []
  const chunks: string[] = []
  for (;;) {
    const { messageV1 } = await client.next(() => true)
    const change = messageV1?.runStateChangeMessage
    if (messageV1?.runDataMessage) chunks.push(messageV1.runDataMessage.entity?.path ?? '')
    if (!change) continue
    phases.push(`${anabrid.RunState[change.new_]} ${change.entity?.path}`)
    if (change.new_ === anabrid.RunState.DONE) break
  }
  const each = (phase: string) => MACS.map((mac) => `${phase} /${mac}`)
  expect(phases).toEqual([...['TAKE_OFF', 'IC', 'OP', 'OP_END'].flatMap(each), `DONE /${THIRD}`])
  expect(chunks).toEqual([`/${FIRST}`, `/${THIRD}`])
})

test('the client tells a phase when all carriers have reached it', async () => {
  await serve()
  const client = await connectDevice({ host: '127.0.0.1', port: server.port })
  const events: RunEvent[] = []
  const request = { id: 'r', icTimeNs: 1_000, opTimeNs: 1_000, sampleRateHz: 1_000, haltOnOverload: false }
  for await (const event of client.run({ ...request, finalValues: false })) events.push(event)
  expect(events.map((event) => (event.kind === 'phase' ? event.phase : event.kind))).toEqual([
    'TAKE_OFF',
    'IC',
    'OP',
    'OP_END',
    'DONE',
  ])
  await client.close()
})

test('nobody gets datagrams', async () => {
  await serve({ datagrams: true })
  expect(await ask(await connected(), { udpDataStreamingCommand: { port: 9_999 } })).toMatchObject({
    errorMessage: { description: 'A proxy does not stream datagrams.' },
  })
})

test('without the token nothing is answered but the ping', async () => {
  await serve({ proxy: { token: 'open sesame' } })
  const client = await connected()
  client.send('06a20603a20600')
  await client.next(({ generic }) => generic?.pingResponse !== undefined)
  expect(await ask(client, { extractCommand: {} })).toMatchObject({
    errorMessage: { description: 'Authentication required' },
  })
  expect(await ask(client, { authRequest: { bearer: { token: 'open' } } })).toMatchObject({
    errorMessage: { description: 'Authentication failed' },
  })
  expect((await ask(client, { authRequest: { bearer: { token: 'open sesame' } } })).kind).toBe('successMessage')
  expect((await ask(client, { extractCommand: {} })).kind).toBe('extractResponse')
  await expect(connectDevice({ host: '127.0.0.1', port: server.port, token: 'wrong' })).rejects.toMatchObject({
    type: 'device-failed',
    message: expect.stringContaining('Authentication failed'),
  })
})

test('one session is active; the next in the queue takes over when it leaves', async () => {
  await serve()
  const [first, second, third] = [await connected(), await connected(), await connected()]
  expect((await ask(first, { resetCommand: {} })).kind).toBe('resetResponse')
  for (const waiting of [second, third]) {
    expect((await ask(waiting, { resetCommand: {} })).kind).toBe('busyResponse')
    expect((await ask(waiting, { extractCommand: {} })).kind).toBe('extractResponse')
    expect((await ask(waiting, { authRequest: {} })).kind).toBe('successMessage')
  }
  first.socket.destroy()
  for (;;) if ((await ask(second, { resetCommand: {} })).kind === 'resetResponse') break
  expect((await ask(third, { resetCommand: {} })).kind).toBe('busyResponse')
})

test('a ninth session is told that the proxy is overloaded', async () => {
  await serve()
  for (let session = 1; session <= 8; session++) await ask(await connected(), { extractCommand: {} })
  const ninth = await connected()
  const { messageV1 } = await ninth.next(() => true)
  expect(messageV1?.errorMessage?.description).toBe('Server overloaded')
  await ninth.closed
})

test('a silent session is closed, one that drives a run is not', async () => {
  const realTime = realTimePace({ nowMs: () => performance.now(), sleep })
  let hear: (message: string) => void = () => {}
  const heard = new Promise<string>((resolve) => (hear = resolve))
  await serve({ proxy: { sessionTimeoutMs: 60 }, onProblem: ({ message }) => hear(message) }, realTime)
  const driving = await connected()
  await ask(driving, LONG)
  const silent = await connected()
  await silent.closed
  expect(await heard).toBe('A session was silent for 0.06 s.')
  expect((await ask(driving, { stopRunCommand: {} })).kind).toBe('successMessage')
})

test('overloads of all carriers come in one answer', async () => {
  await serve()
  const client = await connected()
  const ramp = (mac: string): anabrid.Item.$Properties[] => [
    { entity: { path: `${mac}/1/U` }, selectConfig: { connections: [{ input: 15, output: 0 }], constant: 1 } },
    { entity: { path: `${mac}/1/C` }, coefConfig: { elements: [{ idx: 0, factor: 1 }] } },
    { entity: { path: `${mac}/1/I` }, sumConfig: { connections: [{ inputs: [0], output: 2 }] } },
  ]
  await ask(client, { configCommand: { module: { items: [...ramp(SECOND), ...ramp(THIRD)] }, resetBefore: true } })
  await ask(client, {
    startRunCommand: {
      run: { id: 'r' },
      runConfig: { icTime: { value: 1, prefix: 2 }, opTime: { value: 1, prefix: 1 }, haltOnOverload: false },
    },
  })
  await client.next(({ messageV1 }) => messageV1?.runStateChangeMessage?.new_ === anabrid.RunState.DONE)
  const { getOverloadStatusResponse } = await ask(client, { getOverloadStatusCommand: {} })
  expect(getOverloadStatusResponse?.status?.elements.map(({ entity, idx }) => [entity?.path, idx])).toEqual([
    [`${SECOND}/1/M0`, 2],
    [`${THIRD}/1/M0`, 2],
  ])
})
