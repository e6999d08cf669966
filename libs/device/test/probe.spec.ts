/** Which generation answers? Devices of both, and strangers of several kinds. */
import { SimulatedComputer } from '@lucihub/simulation'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import {
  connectComputer,
  EMULATOR,
  encodeDescription,
  encodeFrame,
  FIRMWARE_1,
  probe,
  serveDevice,
  serveJsonLines,
} from '../src/index.ts'
import { generationOf } from '../src/generation/probe.ts'
import { encodeEntities } from '../src/json-lines/entities.ts'
import { lucidac, MAC } from './descriptions.ts'
import { scriptedLines } from './line-peer.ts'
import { scriptedDevice } from './raw-peer.ts'

const host = '127.0.0.1'
const computer = () => new SimulatedComputer({ description: lucidac })

test('a device of either generation tells what it is', async () => {
  const modern = await serveDevice({ computer: computer(), port: 0 })
  const old = await serveJsonLines({ computer: computer(), port: 0 })
  const found = await Promise.all([modern, old].map(({ port }) => probe({ host, port })))
  expect(found.map(({ generation, mac, firmware }) => [generation, mac, firmware])).toEqual([
    ['protobuf', MAC, 'device=virtual'],
    ['json-lines', MAC, 'device=virtual'],
  ])
  for (const { description, hash } of found) {
    expect(description.carriers.map(({ id, eui }) => [id, eui])).toEqual([[MAC, '00-04-A3-0B-00-01-02-03']])
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
  }
  await modern.close()
  await old.close()
})

test('the first words are the published ping; a device that understands lines answers them at once', async () => {
  const modern = await scriptedDevice(({ generic, messageV1 }, { send, reply }) => {
    if (generic?.pingCommand) send({ generic: { pingResponse: {} } })
    if (messageV1?.extractCommand) reply({ extractResponse: { module: encodeDescription(lucidac) } })
    if (messageV1?.getSystemIdentCommand) reply({ errorMessage: { description: 'not here' } })
  })
  expect(await probe({ host, port: modern.port })).toMatchObject({ generation: 'protobuf', firmware: '' })
  expect(modern.received().slice(0, 14)).toBe('06a20603a20600')
  await modern.close()

  const old = await scriptedLines(({ id, type }, say) => {
    if (type === 'get_entities') say(JSON.stringify({ id, type, msg: encodeEntities(lucidac, EMULATOR), code: 0 }))
    else say(`{"id":"${id}","type":"${type}","code":-10,"error":"Unknown"}`)
  })
  expect(await probe({ host, port: old.port })).toMatchObject({ generation: 'json-lines', mac: MAC, firmware: '' })
  // No word in its own language was needed to find out.
  expect(old.lines.map((line) => (line.startsWith('{') ? JSON.parse(line).type : 'garbage')).filter(Boolean)).toEqual([
    'garbage',
    'garbage',
    'get_entities',
    'sys_ident',
  ])
  await old.close()
})

/** Listens, and does with each connection what it is told. */
async function stranger(onConnection: (socket: Socket, number: number) => void) {
  const sockets = new Set<Socket>()
  let opened = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    onConnection(socket, ++opened)
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host }, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

test('a device that passes over what it does not understand is asked in its own language', async () => {
  const shy = await stranger((socket) =>
    socket.on('data', (piece) => {
      const text = piece.toString('latin1')
      if (!text.startsWith('{')) return
      const { id, type } = JSON.parse(text)
      socket.write(`${JSON.stringify({ id, type, msg: encodeEntities(lucidac, FIRMWARE_1), code: 0 })}\n`)
    }),
  )
  expect(await probe({ host, port: shy.port }, { timeoutMs: 300 })).toMatchObject({
    generation: 'json-lines',
    mac: MAC,
  })
  await shy.close()
})

test.each<[string, (socket: Socket) => void]>([
  ['says nothing', () => {}],
  ['hangs up', (socket) => void socket.destroy()],
  ['is an HTTP server', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
  ['echoes', (socket) => void socket.pipe(socket)],
  ['babbles', (socket) => void socket.end(Buffer.alloc(4_096, 0xff))],
  [
    'babbles without end',
    (socket) => {
      const more = (): void => void (socket.destroyed || socket.write(Buffer.alloc(16_384, 0x7b), more))
      more()
    },
  ],
  ['speaks some other JSON', (socket) => void socket.write('{"hello":"world"}\n[1,2]\n3\n')],
])('what %s is no device', async (_name, behaviour) => {
  const other = await stranger(behaviour)
  const problem: unknown = await probe({ host, port: other.port }, { timeoutMs: 100 }).catch(
    (thrown: unknown) => thrown,
  )
  await other.close()
  expect(problem).toMatchObject({
    type: 'device-failed',
    message: `What answers at ${host}:${other.port} speaks no protocol of devices.`,
  })
})

test.each<[string, string | Uint8Array, ReturnType<typeof generationOf>]>([
  ['a pong', Buffer.from('06a20603aa0600', 'hex'), 'protobuf'],
  [
    'a proxy that is full',
    encodeFrame({ messageV1: { errorMessage: { description: 'Server overloaded' } } }),
    'protobuf',
  ],
  ['half a pong', Buffer.from('06a206', 'hex'), null],
  ['an error line', '{"id":null,"type":"","code":-10,"error":"x"}\r\n', 'json-lines'],
  ['a run of somebody else', '{"type":"run_data","msg":{"id":"r","entity":[],"data":[[1]]}}\n', 'json-lines'],
  ['half a line', '{"code":-10', null],
  ['nothing', '', null],
])('%s gives the generation away or not', (_name, heard, expected) => {
  expect(generationOf(typeof heard === 'string' ? Buffer.from(heard) : heard)).toBe(expected)
})

test('a computer is a computer, whichever generation it is', async () => {
  const modern = await serveDevice({ computer: computer(), port: 0 })
  const old = await serveJsonLines({ computer: computer(), port: 0 })
  for (const [{ port }, generation, resolution] of [
    [modern, 'protobuf', 0],
    [old, 'json-lines', 0.001],
  ] as const) {
    const client = await connectComputer({ host, port })
    expect(client).toMatchObject({ generation, resolution })
    expect(await client.ping()).toBeGreaterThan(0)
    expect((await client.identify()).description.carriers[0]?.id).toBe(MAC)
    await client.reset()
    expect(await client.overload()).toEqual({ overloaded: false, outputs: [] })
    await client.close()
  }
  await modern.close()
  await old.close()
})
