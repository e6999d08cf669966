/**
 * Misuse of the decorators that must not compile. `tsc` over the workspace checks each `@ts-expect-error`
 * (an expected error that does not occur is an error); what remains at run time is that they note the same.
 */
import {
  broadcasts,
  compiler,
  store,
  type ClaimReply,
  type ClaimRequest,
  type CompileReply,
  type CompileRequest,
  type JournalRecord,
  type RunCommand,
} from '@lucihub/contracts'
import { Answer, Consume, ConsumeBatch, Listen, type Call, type Delivery, type Received } from '@lucihub/messaging'
import { blocks, singles } from './records.ts'

const REPLY: CompileReply = { diagnostics: [] }

class Right {
  @Answer(compiler.compile)
  async everything(request: CompileRequest, call: Call): Promise<CompileReply> {
    return Promise.resolve({
      ...REPLY,
      diagnostics: [{ code: call.host, severity: 1, message: request.source, hint: '' }],
    })
  }

  @Answer(compiler.compile)
  async lessThanIsOffered(): Promise<CompileReply> {
    return Promise.resolve(REPLY)
  }

  @Consume(singles, { durable: 'right' })
  async message(_record: JournalRecord): Promise<void> {
    return Promise.resolve()
  }

  @ConsumeBatch(blocks, { durable: 'right', maxMessages: 1, maxBytes: 1, maxWaitMs: 1 })
  async batch(_records: readonly Received<JournalRecord>[]): Promise<void> {
    return Promise.resolve()
  }

  @Listen(broadcasts.view)
  async anything(): Promise<void> {
    return Promise.resolve()
  }
}

class Wrong {
  // @ts-expect-error the request of another rpc
  @Answer(compiler.compile)
  async otherRequest(_request: ClaimRequest): Promise<CompileReply> {
    return Promise.resolve(REPLY)
  }

  // @ts-expect-error the reply of another rpc
  @Answer(compiler.compile)
  async otherReply(request: CompileRequest): Promise<ClaimReply> {
    return Promise.resolve({ result: 1, deviceRunId: request.source })
  }

  // @ts-expect-error no reply
  @Answer(store.claim)
  async noReply(_request: ClaimRequest): Promise<void> {
    return Promise.resolve()
  }

  // @ts-expect-error the message of another feed
  @Consume(singles, { durable: 'wrong' })
  async otherMessage(_command: RunCommand, _delivery: Delivery): Promise<void> {
    return Promise.resolve()
  }

  // @ts-expect-error one message where a batch comes
  @ConsumeBatch(blocks, { durable: 'wrong', maxMessages: 1, maxBytes: 1, maxWaitMs: 1 })
  async oneMessage(_record: JournalRecord): Promise<void> {
    return Promise.resolve()
  }

  // @ts-expect-error a batch that says nothing of its bounds
  @ConsumeBatch(blocks, { durable: 'wrong' })
  async noBounds(_records: readonly Received<JournalRecord>[]): Promise<void> {
    return Promise.resolve()
  }

  // @ts-expect-error a feed is consumed, not listened to
  @Listen(blocks)
  async feedAsBroadcast(): Promise<void> {
    return Promise.resolve()
  }
}

const noted = (of: object, method: string): unknown => {
  const handler: unknown = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(of), method)?.value
  return typeof handler === 'function'
    ? [
        Reflect.getMetadata('microservices:pattern', handler),
        Reflect.getMetadata('microservices:pattern_extras', handler),
      ]
    : null
}

test('a decorator notes the subject and what to do with it', () => {
  expect(noted(new Right(), 'everything')).toEqual([
    [compiler.compile.subject],
    { kind: 'answer', rpc: compiler.compile },
  ])
  expect(noted(new Right(), 'message')).toMatchObject([
    ['lh.v1.cmd.single.> right'],
    { kind: 'consume', options: { durable: 'right' } },
  ])
  expect(noted(new Right(), 'batch')).toMatchObject([
    ['lh.v1.jrn.> right'],
    { kind: 'consume-batch', options: { maxMessages: 1 } },
  ])
  expect(noted(new Right(), 'anything')).toMatchObject([['lh.v1.view.>'], { kind: 'listen', perHost: false }])
})

test('it does so for misuse, too: only the compiler refuses it', () => {
  expect(noted(new Wrong(), 'otherRequest')).toMatchObject([[compiler.compile.subject], { kind: 'answer' }])
})
