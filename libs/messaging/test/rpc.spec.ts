import { Controller } from '@nestjs/common'
import { PROBLEMS, Problem } from '@lucihub/analog'
import {
  ClaimResult,
  compiler,
  store,
  type ClaimReply,
  type ClaimRequest,
  type CompileReply,
  type CompileRequest,
  type GetRunReply,
  type GetRunRequest,
} from '@lucihub/contracts'
import { Answer, Bus, type Call } from '@lucihub/messaging'
import { privateNats, until, type PrivateServer } from '@lucihub/testing'
import { microservice, type Microservice } from './microservice.ts'

let nats: PrivateServer
let service: Microservice
let caller: Bus
const gate = { open: (): void => undefined, closed: null as Promise<void> | null, waiting: 0 }

@Controller()
class Answers {
  @Answer(compiler.compile)
  async compile({ source }: CompileRequest): Promise<CompileReply> {
    if (source === 'wait') {
      gate.waiting++
      await gate.closed
    }
    if (source === 'crash') throw new TypeError('secret detail')
    return { diagnostics: [{ code: 'ANA0001', severity: 1, message: source, hint: '' }] }
  }

  @Answer(store.getRun)
  async getRun({ runId }: GetRunRequest): Promise<GetRunReply> {
    await Promise.resolve()
    throw new Problem('validation-failed', `No run ${runId}.`, {
      retryAfterS: 7,
      violations: [{ pointer: '/runId', value: runId, message: 'is not an id', remedy: 'send one' }],
    })
  }

  @Answer(store.claim)
  async claim({ deviceId }: ClaimRequest, { host }: Call): Promise<ClaimReply> {
    return Promise.resolve({ result: ClaimResult.CLAIM_RESULT_OK, deviceRunId: `${host} drives ${deviceId}` })
  }
}

beforeAll(async () => {
  nats = await privateNats()
  service = await microservice(nats.url, [Answers])
  caller = await Bus.connect({ url: nats.url, name: 'caller', host: 'host-7' })
})

afterAll(async () => {
  await caller.drain()
  await service.app.close()
  await nats.stop()
})

const program = (source: string): CompileRequest => ({ source, opTimeNs: 1, k0: 0 })
const claim: ClaimRequest = { runId: 'r', attempt: 1, deviceId: 'd', host: 'host-7', bootId: 'b', epoch: 1 }

test('a request is answered', async () => {
  const { diagnostics } = await caller.call(compiler.compile, program('x = 1'))
  expect(diagnostics[0]?.message).toBe('x = 1')
})

test('a problem reaches the caller as it was thrown', async () => {
  const problem = await caller.call(store.getRun, { ownerId: 'o', runId: 'r9' }).catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(Problem)
  expect(problem).toMatchObject({
    type: 'validation-failed',
    message: 'No run r9.',
    retryAfterS: 7,
    violations: [{ pointer: '/runId', value: 'r9', message: 'is not an id', remedy: 'send one' }],
    status: PROBLEMS['validation-failed'].status,
  })
})

test('what is not a problem is internal and keeps its secrets', async () => {
  await expect(caller.call(compiler.compile, program('crash'))).rejects.toMatchObject({
    type: 'internal',
    message: 'An unexpected error was logged.',
  })
})

test('a per-host rpc tells the answerer the host of its caller', async () => {
  await expect(caller.call(store.claim, claim)).resolves.toMatchObject({ deviceRunId: 'host-7 drives d' })
})

test('a per-host rpc needs a host', async () => {
  await expect(service.bus.call(store.claim, claim)).rejects.toMatchObject({
    type: 'internal',
    message: 'lh.v1.rpc.store.claim is per host, but this process was started without a host.',
  })
})

test('without an answerer the problem is unavailable', async () => {
  await expect(caller.call(store.listDevices, { activeOnly: true })).rejects.toMatchObject({
    type: 'unavailable',
    message: 'Nobody answers lh.v1.rpc.store.list-devices.',
    retryable: true,
  })
})

test('bytes that are no request are refused', async () => {
  const reply = await caller.connection.nats.request(compiler.compile.subject, new Uint8Array([255, 255]), {
    timeout: 2_000,
  })
  expect(reply.headers?.get('Lh-Problem')).toBe('1')
  await expect(
    caller.call(
      { ...compiler.compile, request: { ...compiler.compile.request, encode: () => new Uint8Array([255, 255]) } },
      program(''),
    ),
  ).rejects.toMatchObject({ type: 'invalid-request', message: 'These 2 bytes are not a CompileRequest.' })
})

test('a request that does not fit the bus is too large', async () => {
  await expect(caller.call(compiler.compile, program('x'.repeat(2_000_000)))).rejects.toMatchObject({
    type: 'too-large',
  })
})

test('an answer that takes too long is a timeout; what exceeds 256 requests at work is refused; the others are answered in the end', async () => {
  gate.closed = new Promise((resolve) => {
    gate.open = resolve
  })
  gate.waiting = 0
  const waiting = Array.from({ length: 255 }, () =>
    caller.call(compiler.compile, program('wait'), { timeoutMs: 15_000 }),
  )
  await expect(caller.call(compiler.compile, program('wait'), { timeoutMs: 50 })).rejects.toMatchObject({
    type: 'timeout',
    message: 'lh.v1.rpc.compiler.compile did not answer within 50 ms.',
  })
  await until(() => gate.waiting === 256, { what: '256 requests are at work' })
  await expect(caller.call(compiler.compile, program('one more'))).rejects.toMatchObject({
    type: 'too-many-requests',
    message: 'lh.v1.rpc.compiler.compile has 256 requests at work.',
    retryAfterS: 1,
  })
  gate.open()
  await expect(Promise.all(waiting)).resolves.toHaveLength(255)
})

test('the inboxes of a service have its own prefix', async () => {
  const seen: string[] = []
  const tap = service.bus.connection.nats.subscribe('_INBOX_caller.>', {
    callback: (_, message) => {
      seen.push(message.subject)
    },
  })
  await service.bus.connection.nats.flush()
  await caller.call(compiler.compile, program('y = 2'))
  await until(() => seen.length > 0, { what: 'the reply passed' })
  tap.unsubscribe()
})
