import { Module } from '@nestjs/common'
import { compiler } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { start, type RunningService } from '@lucihub/service-kit'
import { privateNats, type PrivateServer } from '@lucihub/testing'
import { echo, world } from './echo.ts'

let nats: PrivateServer
let caller: Bus
let service: RunningService

beforeAll(async () => {
  nats = await privateNats()
  service = await start(echo({ natsUrl: nats.url, healthPort: 0, logLevel: 'silent' }))
  caller = await Bus.connect({ url: nats.url, name: 'caller' })
})

afterAll(async () => {
  await service.close()
  await caller.drain()
  await nats.stop()
})

const get = async (path: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`http://127.0.0.1:${service.healthPort}${path}`)
  const text = await response.text()
  return { status: response.status, body: path === '/metrics' ? text : JSON.parse(text) }
}

test('a started service answers', async () => {
  const { diagnostics } = await caller.call(compiler.compile, { source: 'hello', opTimeNs: 0, k0: 0 })
  expect(diagnostics[0]?.message).toBe('hello')
  expect(service.httpUrl).toBeNull()
})

test('it lives, and it is ready when every check says so', async () => {
  await expect(get('/health/live')).resolves.toEqual({ status: 200, body: { live: true } })
  await expect(get('/health/ready')).resolves.toEqual({
    status: 200,
    body: { ready: true, checks: { world: true, bus: true } },
  })
  world.fine = false
  await expect(get('/health/ready')).resolves.toEqual({
    status: 503,
    body: { ready: false, checks: { world: false, bus: true } },
  })
  world.fine = true
  await expect(get('/nowhere')).resolves.toMatchObject({ status: 404 })
})

test('without NATS it lives but is not ready', async () => {
  await nats.kill()
  await expect(get('/health/live')).resolves.toMatchObject({ status: 200 })
  await expect(get('/health/ready')).resolves.toMatchObject({
    status: 503,
    body: { ready: false, checks: { bus: false } },
  })
  await nats.restart()
})

test('its metrics count what the bus did', async () => {
  await caller.call(compiler.compile, { source: 'again', opTimeNs: 0, k0: 0 })
  const { body } = await get('/metrics')
  expect(body).toMatch(
    /lucihub_bus_messages_total\{kind="answer",subject="lh\.v1\.rpc\.compiler\.compile",outcome="ok"\} [1-9]/,
  )
  expect(body).toMatch(
    /lucihub_bus_handler_seconds_count\{kind="answer",subject="lh\.v1\.rpc\.compiler\.compile"\} [1-9]/,
  )
})

test('a service that cannot start lets go of its connection', async () => {
  @Module({})
  class BrokenModule {}
  let seen: Bus | undefined
  const broken = start({
    name: 'broken',
    config: { natsUrl: nats.url, healthPort: 0, logLevel: 'silent' },
    module: (bus) => {
      seen = bus
      return {
        module: BrokenModule,
        providers: [{ provide: 'X', useFactory: () => Promise.reject(new Error('no database')) }],
      }
    },
  })
  await expect(broken).rejects.toThrow('no database')
  expect(seen?.connection.nats.isClosed()).toBe(true)
})

test('closing twice is closing once', async () => {
  const second = await start(echo({ natsUrl: nats.url, healthPort: 0, logLevel: 'silent' }))
  await Promise.all([second.close(), second.close()])
  expect(second.bus.connection.nats.isClosed()).toBe(true)
  await expect(fetch(`http://127.0.0.1:${second.healthPort}/health/live`)).rejects.toThrow()
})
