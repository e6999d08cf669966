import { FrameReader, bytesOf, headerOf, underOtherId, withBitFlipped, type Frame } from './nats-frames.ts'
import { recordsIn } from './witness.ts'

const HEADERS = 'NATS/1.0\r\nNats-Msg-Id: boot/run/1/0\r\nLh-Schema: 1\r\n\r\n'
const PUBLICATION = `HPUB lh.v1.jrn.a.b.c _INBOX.1 ${HEADERS.length} ${HEADERS.length + 5}\r\n${HEADERS}hello\r\n`
const TRAFFIC = Buffer.from(
  `INFO {"max_payload":1}\r\nPING\r\n${PUBLICATION}MSG subject 7 reply 3\r\nabc\r\nMSG subject 7 4\r\na\r\nb\r\n+OK\r\n`,
)

function framesOf(...pieces: Buffer[]): Frame[] {
  const reader = new FrameReader()
  return pieces.flatMap((piece) => reader.read(piece))
}

test('traffic comes out as it went in, wherever it is cut', () => {
  for (let at = 0; at <= TRAFFIC.length; at++)
    expect(Buffer.concat(framesOf(TRAFFIC.subarray(0, at), TRAFFIC.subarray(at)).map(bytesOf))).toEqual(TRAFFIC)
})

test('a frame tells its subject, reply, headers and payload', () => {
  const [, , publication, message, bare] = framesOf(TRAFFIC)
  expect(publication && headerOf(publication, 'Nats-Msg-Id')).toBe('boot/run/1/0')
  expect([publication?.subject, publication?.reply, publication?.payload.toString()]).toEqual([
    'lh.v1.jrn.a.b.c',
    '_INBOX.1',
    'hello',
  ])
  expect([message?.reply, message?.payload.toString()]).toEqual(['reply', 'abc'])
  expect([bare?.reply, bare?.payload.toString()]).toEqual(['', 'a\r\nb'])
})

test('a copy under another id and a spoiled message are frames of the same traffic', () => {
  const publication = framesOf(Buffer.from(PUBLICATION))[0] as Frame
  const [copy] = framesOf(bytesOf(underOtherId(publication, '/again')))
  expect(copy && [headerOf(copy, 'Nats-Msg-Id'), copy.reply, copy.payload.toString()]).toEqual([
    'boot/run/1/0/again',
    '',
    'hello',
  ])
  const [spoiled] = framesOf(bytesOf(withBitFlipped(publication, 0.5)))
  expect(spoiled?.payload.toString()).toBe('he|lo')
})

test('the witness reads which records a batch carries', () => {
  const record = Buffer.from('0a0372756e10021803200c', 'hex') // run_id "run", attempt 2, epoch 3, seq 12
  const batch = Buffer.concat([Buffer.from([0x0a, record.length]), record])
  expect(recordsIn(batch)).toEqual([{ runId: 'run', attempt: 2, seq: 12 }])
  expect(recordsIn(batch.subarray(0, 6))).toEqual([])
})
