import { until } from '@lucihub/testing'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Relay } from './relay.ts'

let echo: Server
let relay: Relay
const served: Socket[] = []

beforeEach(async () => {
  echo = createServer((socket) => {
    served.push(socket)
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  relay = await Relay.open({ to: { host: '127.0.0.1', port: (echo.address() as AddressInfo).port } })
})
afterEach(async () => {
  await relay.close()
  served.splice(0).forEach((socket) => socket.destroy())
  echo.close()
})

function client(): { socket: Socket; heard: () => string; gone: () => boolean } {
  const socket = connect({ port: relay.port, host: '127.0.0.1' })
  let [text, closed] = ['', false]
  socket.on('data', (bytes) => (text += bytes.toString()))
  socket.on('error', () => undefined)
  socket.on('close', () => (closed = true))
  return { socket, heard: () => text, gone: () => closed }
}

test('what is said under a cut is heard after the healing, and nothing before', async () => {
  const { socket, heard } = client()
  socket.write('one ')
  await until(() => heard() === 'one ', { what: 'the echo' })
  relay.cut('down')
  socket.write('two ')
  await until(() => served.length === 1 && (served[0]?.bytesRead ?? 0) === 8, { what: 'the server to read' })
  expect(heard()).toBe('one ')
  relay.heal()
  await until(() => heard() === 'one two ', { what: 'the echo' })
  socket.destroy()
})

test('who connects under a cut waits, and is served after the healing', async () => {
  relay.cut('up', 'down')
  const { socket, heard } = client()
  socket.write('late')
  await once(socket, 'connect')
  expect(served).toEqual([])
  relay.heal()
  await until(() => heard() === 'late', { what: 'the echo' })
  socket.destroy()
})

test('half open, the server is gone and the client is not told; a reset tells both', async () => {
  const first = client()
  first.socket.write('x')
  await until(() => first.heard() === 'x', { what: 'the echo' })
  relay.halfOpen()
  await until(() => served[0]?.destroyed ?? false, { what: 'the server to lose its side' })
  first.socket.write('y')
  const second = client()
  second.socket.write('z')
  await until(() => second.heard() === 'z', { what: 'a new connection to work' })
  expect([first.gone(), first.heard()]).toEqual([false, 'x'])
  relay.reset()
  await until(() => first.gone() && second.gone(), { what: 'both clients to be reset' })
})
