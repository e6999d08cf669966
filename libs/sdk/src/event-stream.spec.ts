import fc from 'fast-check'
import { readEventStream, type StreamMessage } from './event-stream.ts'

async function read(...pieces: (string | Uint8Array)[]): Promise<StreamMessage[]> {
  async function* body() {
    for (const piece of pieces) yield typeof piece === 'string' ? new TextEncoder().encode(piece) : piece
  }
  const messages: StreamMessage[] = []
  for await (const message of readEventStream(body())) messages.push(message)
  return messages
}

test('a message has a name, data and the last id', async () => {
  expect(await read('id: 1:5\nevent: phase\ndata: {"a":1}\n\ndata:b\n\n')).toEqual([
    { event: 'phase', data: '{"a":1}', lastEventId: '1:5' },
    { event: 'message', data: 'b', lastEventId: '1:5' },
  ])
})

test('lines of data are joined, comments and unknown fields are passed over', async () => {
  expect(await read(': hello\nretry: 1000\ndata: one\ndata\ndata:  three\nfoo: bar\n\n')).toEqual([
    { event: 'message', data: 'one\n\n three', lastEventId: '' },
  ])
})

test('a message that was not closed does not count', async () => {
  expect(await read('data: a\n\ndata: b\n')).toEqual([{ event: 'message', data: 'a', lastEventId: '' }])
})

test('it makes no difference where the network cuts, or how lines end', async () => {
  const text = 'id: 7\nevent: log\ndata: grüße\ndata: zwei\n\n:\n\ndata: ende\n\n'
  const whole = await read(text)
  expect(whole).toHaveLength(2)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(80)), async (ending, cuts) => {
      const bytes = new TextEncoder().encode(text.replaceAll('\n', ending) + (ending === '\r' ? '\n' : ''))
      const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length])].sort(
        (a, b) => a - b,
      )
      const pieces = places.slice(1).map((place, at) => bytes.subarray(places[at], place))
      expect(await read(...pieces)).toEqual(whole)
    }),
  )
})
