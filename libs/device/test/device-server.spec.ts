/** The server as the devices on its wire see it: every command, several clients, and clients that misbehave. */
import { lucidacDescription, type Problem, type RunEvent } from '@lucihub/analog'
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { oscillator, testConfiguration } from '@lucihub/simulation/conformance'
import fc from 'fast-check'
import { encodeConfiguration, encodeFrame, serveDevice, type DeviceServer, type ReceivedCommand } from '../src/index.ts'
import type { MessageToSend, MessageV1 } from '../src/wire/messages.ts'
import { lucidac, MAC } from './descriptions.ts'
import { rawClient, type RawClient } from './raw-peer.ts'

const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
const commands: ReceivedCommand[] = []
const problems: Problem[] = []
let server: DeviceServer
let clients: RawClient[] = []

beforeEach(async () => {
  commands.length = 0
  problems.length = 0
  server = await serveDevice({
    computer: new SimulatedComputer({ description: lucidac, pace }),
    port: 0,
    onCommand: (command) => commands.push(command),
    onProblem: (problem) => problems.push(problem),
  })
})

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

const configured = (outputs: readonly number[] = [0, 1]): MessageToSend => ({
  configCommand: {
    module: encodeConfiguration(testConfiguration(MAC, { ...oscillator(0.5), outputs }), lucidac),
    resetBefore: true,
  },
})
const start = (id: string, fields: object = {}): MessageToSend => ({
  startRunCommand: {
    run: { id },
    runConfig: { icTime: { value: 100, prefix: 2 }, opTime: { value: 9, prefix: 0 } },
    daqConfig: { numChannels: 2, sampleRate: 1_000, sampleOp: true },
    ...fields,
  },
})

test.each<[string, MessageToSend, object]>([
  ['ping', { pingCommand: {} }, { successMessage: {} }],
  ['authentication', { authRequest: { bearer: { token: 'any' } } }, { successMessage: {} }],
  ['stand by', { standByCommand: { standby: true } }, { successMessage: {} }],
  ['external entities', { registerExternalEntitiesCommand: {} }, { successMessage: {} }],
  ['stopping nothing', { stopRunCommand: {} }, { successMessage: {} }],
  ['manual control', { manualControlCommand: { to: 1 } }, { successMessage: {} }],
  [
    'an unknown mode',
    { manualControlCommand: { to: 9 as 0 } },
    { errorMessage: { description: 'There is no mode 9.' } },
  ],
  [
    'data by datagram',
    { udpDataStreamingCommand: { port: 9_999 } },
    { udpDataStreamingRefusedResponse: { reason: 'Data is streamed on this connection.' } },
  ],
  ['calibration', { calibrationCommand: {} }, { calibrationResponse: {} }],
  ['its overloads', { getOverloadStatusCommand: {} }, { getOverloadStatusResponse: { status: {} } }],
  [
    'its identity',
    { getSystemIdentCommand: {} },
    { getSystemIdentResponse: { mac: MAC, fwBuild: { entries: { device: 'virtual' } } } },
  ],
  ['its EEPROM', { readSystemIdentCommand: {} }, { readSystemIdentResponse: {} }],
  [
    'resetting its identity',
    { resetSystemIdentCommand: {} },
    { errorMessage: { description: 'Its identity cannot be changed on a virtual device.' } },
  ],
  [
    'writing its identity',
    { writeSystemIdentCommand: {} },
    { errorMessage: { description: 'Its identity cannot be changed on a virtual device.' } },
  ],
  ['its log', { syslogCommand: {} }, { syslogResponse: { isActive: true, maxSize: 256, entries: [] } }],
  ['its statistics', { systemStatsCommand: {} }, { systemStatsResponse: { perfCounters: {} } }],
  ['its temperature', { readTemperatureCommand: {} }, { readTemperatureResponse: { dataset: {} } }],
  [
    'an update',
    { updateCommand: { begin: { size: 1 } } },
    { updateResponse: { failure: { reason: 'There is no firmware to update.' } } },
  ],
  [
    'a program',
    { jitCommand: {} },
    { errorMessage: { description: 'It has no just-in-time compiler on a virtual device.' } },
  ],
  [
    'what only devices say',
    { calibrateInit: {} },
    { errorMessage: { description: 'calibrateInit is not a command of this device.' } },
  ],
  [
    'a reply',
    { resetResponse: {} },
    { errorMessage: { description: 'resetResponse is not a command of this device.' } },
  ],
  ['nothing', {}, { errorMessage: { description: 'The message is empty or of an unknown kind.' } }],
  [
    'an entity it has not',
    { extractCommand: { specification: true, entity: { path: `${MAC}/7` } } },
    { errorMessage: { description: `There is no entity ${MAC}/7.` } },
  ],
  [
    'a run without id',
    { startRunCommand: {} },
    { errorMessage: { description: 'The id of a run has 1 to 38 characters.' } },
  ],
  [
    'a run of no length',
    start('r', { runConfig: {} }),
    { errorMessage: { description: 'op_time is 0 ns; it must be 100 to 9000000000 ns.' } },
  ],
  [
    'the end of repetitions that nobody started',
    { startRunCommand: { endRepetitive: true } },
    { startRunResponse: {} },
  ],
  [
    'data by datagram to no port',
    { udpDataStreamingCommand: { port: 65_536 } },
    { errorMessage: { description: 'There is no UDP port 65536.' } },
  ],
  [
    'a rate too high',
    start('r', {
      daqConfig: { sampleOp: true, sampleRate: 500_001 },
      runConfig: { icTime: { value: 1, prefix: 1 }, opTime: { value: 1, prefix: 1 } },
    }),
    { errorMessage: { description: 'sample_rate is 500001 Hz; it must be 32 to 500000 Hz.' } },
  ],
])('asked for %s, it answers as a device would', async (_name, command, reply) => {
  const client = await connected()
  expect(await ask(client, command)).toMatchObject(reply)
})

test('a part of the description, and the loaded settings, can be extracted', async () => {
  const client = await connected()
  const block = await ask(client, { extractCommand: { specification: true, entity: { path: `/${MAC}/0` } } })
  expect(
    block.extractResponse?.module?.items.map(({ entitySpecification }) => entitySpecification?.entity),
  ).toMatchObject([{ id: '/0', class_: 2, children: [] }])
  await ask(client, configured())
  const loaded = async () =>
    (await ask(client, { extractCommand: { configuration: true } })).extractResponse?.module?.items.map(
      ({ kind }) => kind,
    )
  expect(await loaded()).toEqual(['selectConfig', 'coefConfig', 'sumConfig', 'itorConfig', 'adcConfig'])
  await ask(client, {
    configCommand: {
      module: { items: [{ entity: { path: `${MAC}/0/C` }, coefConfig: { elements: [{ idx: 0, factor: 2 }] } }] },
    },
  })
  expect(await loaded()).toHaveLength(5)
  await ask(client, { resetCommand: { circuitReset: true } })
  expect(await loaded()).toEqual([])
})

test('while a run is in progress, whoever would disturb it is told to wait, and anybody may stop it', async () => {
  const [first, second] = [await connected(), await connected()]
  await ask(first, configured())
  expect(await ask(first, start('long'))).toMatchObject({ startRunResponse: {} })
  for (const command of [configured(), start('other'), { resetCommand: {} }, { manualControlCommand: {} }]) {
    expect((await ask(second, command)).kind).toBe('busyResponse')
  }
  expect(await ask(second, { stopRunCommand: {} })).toMatchObject({ successMessage: {} })
  const { messageV1 } = await first.next(({ messageV1: message }) => message?.runStateChangeMessage?.new_ === 2)
  expect(messageV1?.runStateChangeMessage).toMatchObject({ run: { id: 'long' }, reason: 'stopped' })
  expect((await ask(second, { resetCommand: {} })).kind).toBe('resetResponse')
  const { systemStatsResponse } = await ask(second, { systemStatsCommand: {} })
  expect(systemStatsResponse?.perfCounters).toMatchObject({ totalNumberOfRuns: 1, totalIcTimeUs: 100 })
})

test('without state changes asked for, only the end of a run is told', async () => {
  const client = await connected()
  await ask(client, configured())
  const runConfig = { icTime: { value: 100, prefix: 2 }, opTime: { value: 2, prefix: 1 }, writeRunStateChanges: false }
  await ask(client, start('quiet', { runConfig, daqConfig: {} }))
  const { messageV1 } = await client.next(
    ({ messageV1: message }) => message?.kind === 'runStateChangeMessage' || message?.kind === 'runDataMessage',
  )
  expect(messageV1?.runStateChangeMessage).toMatchObject({ new_: 2, old: 7 })
})

test('a run whose starter has gone is stopped', async () => {
  const [first, second] = [await connected(), await connected()]
  await ask(first, configured())
  await ask(first, start('orphan'))
  first.socket.destroy()
  for (;;) {
    const reply = await ask(second, { resetCommand: {} })
    if (reply.kind === 'resetResponse') break
    expect(reply.kind).toBe('busyResponse')
  }
})

test('every command is told to the hook with its connection', async () => {
  const [first, second] = [await connected(), await connected()]
  await ask(first, { resetCommand: {} })
  await ask(second, { stopRunCommand: {} })
  first.send('06a20603a20600')
  await first.next(({ generic }) => generic?.pingResponse !== undefined)
  expect(commands.map(({ connection, id, command }) => [connection, id, command])).toEqual([
    [1, 'q', 'resetCommand'],
    [2, 'q', 'stopRunCommand'],
    [1, '', 'ping'],
  ])
})

test('whatever bytes a client sends, the device stays up for the others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat({ max: 200 }), async (bytes, cut) => {
      const client = await rawClient(server.port)
      client.send(bytes.subarray(0, cut))
      client.send(bytes.subarray(cut))
      client.socket.end()
      await client.closed
    }),
    { numRuns: 60 },
  )
  const client = await connected()
  expect((await ask(client, { pingCommand: {} })).kind).toBe('successMessage')
  expect(problems.every(({ type }) => type === 'invalid-request' || type === 'device-failed')).toBe(true)
})

test('a liar about lengths is disconnected, with a Problem for the log', async () => {
  const client = await connected()
  client.send('ffffffffffffffffff01')
  await client.closed
  expect(problems.map(({ message }) => message)).toEqual(['A frame announces more than 262084 bytes.'])
})

test('a flood of commands is answered one by one, in order', async () => {
  const client = await connected()
  const flood = Array.from({ length: 5_000 }, (_, index) =>
    encodeFrame({ messageV1: { id: `f${index}`, pingCommand: {} } }),
  )
  client.send(Buffer.concat(flood))
  for (let index = 0; index < flood.length; index++) {
    const { messageV1 } = await client.next(() => true)
    if (messageV1?.id !== `f${index}`) throw new Error(`${messageV1?.id} came in place of f${index}`)
  }
  expect(commands).toHaveLength(flood.length)
})

test('a client that reads slowly slows the computer down', async () => {
  const chunks = 600
  const blocks = [new Uint8Array(64 * 1024)]
  let made = 0
  let read = 0
  let ahead = 0
  const computer = {
    describe: async () => lucidac,
    reset: async () => {},
    configure: async () => {},
    async *run(): AsyncGenerator<RunEvent> {
      for (; made < chunks; made++) {
        ahead = Math.max(ahead, made - read)
        yield { kind: 'samples', chunk: { firstIndex: made * 16_384, count: 16_384, encoding: 'f32', blocks } }
      }
      yield { kind: 'phase', phase: 'DONE', timeNs: 0, reason: '' }
    },
    overload: async () => ({ overloaded: false, outputs: [] }),
    close: async () => {},
  }
  const generous = await serveDevice({ computer, port: 0 })
  const client = await rawClient(generous.port)
  clients.push(client)
  await ask(client, configured([0]))
  await ask(client, start('slow'))
  for (; read < chunks; read++) {
    client.socket.pause()
    await new Promise((resolve) => setImmediate(resolve))
    client.socket.resume()
    await client.next(({ messageV1 }) => messageV1?.kind === 'runDataMessage')
  }
  // What the network's own buffers take: far from the whole run of 39 MB.
  expect(ahead * 64 * 1024).toBeLessThan(20_000_000)
  expect(made).toBe(chunks)
  await generous.close()
})

test('a port in use is a Problem, not a crash', async () => {
  const computer = new SimulatedComputer({ description: lucidacDescription(MAC) })
  await expect(serveDevice({ computer, port: server.port })).rejects.toMatchObject({
    type: 'unavailable',
    message: `Cannot listen on 127.0.0.1:${server.port}: EADDRINUSE.`,
  })
})
