/** Samples of the JSON-lines generation: from text to typed arrays, and from a socket to a run's events. */
import { connectJsonLines, RunDataReader } from '@lucihub/device'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { mega, median, row, seconds, times, type Section } from './report.ts'

const CHANNELS = 8
const ROWS_PER_LINE = 512
const LINES = 2_000
const REPEATS = 5
/** What one device samples at most, all channels together, 1/s: eight channels at full rate. */
const FULL_RATE = 4e6
const RUN = '7f1c0d6e-9a39-4c6f-8a4e-0d1f5d8c2b11'
const MAC = '04-E9-E5-15-87-A0'

/** As devices write it: three decimals, a blank for the sign that is not there. */
const LINE = Buffer.from(
  `{"type":"run_data","msg":{"id":"${RUN}","entity":["${MAC}","0"],"data":[${Array.from(
    { length: ROWS_PER_LINE },
    (_, k) => `[${Array.from({ length: CHANNELS }, (_, c) => written(Math.sin(k * 0.01 + c))).join(',')}]`,
  ).join(',')}]}}\n`,
)

export async function measure(): Promise<Section> {
  const reader = new RunDataReader()
  const line = LINE.subarray(0, -1)
  const ours = await samplesPerSecond(async () => {
    for (let n = 0; n < LINES; n++) reader.read(line)
  })
  const parsed = await samplesPerSecond(async () => {
    for (let n = 0; n < LINES; n++) withJsonParse(line)
  })
  const wire = await samplesPerSecond(overTcp)
  return {
    title: 'Samples of JSON-lines devices',
    rows: [
      row('text to typed arrays', mega(ours), {
        against: 'ours / JSON.parse',
        ratio: times(ours / parsed),
        goal: '>= 2 x',
      }),
      row('  the same by JSON.parse', mega(parsed)),
      row('socket to run events', mega(wire), {
        against: 'ours / one device at full rate',
        ratio: times(wire / FULL_RATE),
        goal: '>= 1.5 x',
      }),
    ],
  }
}

async function samplesPerSecond(work: () => Promise<void>): Promise<number> {
  await work()
  const all: number[] = []
  for (let n = 0; n < REPEATS; n++) all.push(await seconds(work))
  return (CHANNELS * ROWS_PER_LINE * LINES) / median(all)
}

/** The obvious way: an array per row, then the numbers moved to blocks of channels. */
function withJsonParse(line: Uint8Array): Float32Array[] {
  const { msg } = JSON.parse(Buffer.from(line).toString()) as { msg: { data: number[][] } }
  return Array.from({ length: CHANNELS }, (_, c) => Float32Array.from(msg.data, (values) => values[c] ?? 0))
}

/** A run of a device that sends as fast as it is read. */
async function overTcp(): Promise<void> {
  const server = createServer((socket) => {
    let held = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece: Uint8Array) => {
      const parts = (held + Buffer.from(piece).toString()).split('\n')
      held = parts.pop() ?? ''
      for (const part of parts) answer(socket, JSON.parse(part) as { id: string; type: string })
    })
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const client = await connectJsonLines({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  await client.configure({
    carriers: [
      {
        carrier: MAC,
        clusters: [],
        adc: Array.from({ length: CHANNELS }, (_, probe) => ({ output: probe, gain: 1, offset: 0, probe })),
      },
    ],
    probes: [],
    problemTimePerSecond: 0,
  })
  const request = {
    id: RUN,
    icTimeNs: 1e5,
    opTimeNs: 1e9,
    sampleRateHz: 100_000,
    haltOnOverload: false,
    finalValues: false,
  }
  let samples = 0
  for await (const event of client.run(request)) if (event.kind === 'samples') samples += event.chunk.count
  await client.close()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (samples !== ROWS_PER_LINE * LINES) throw new Error(`${samples} samples came`)
}

function answer(socket: Socket, { id, type }: { id: string; type: string }): void {
  const msg = type === 'get_entities' ? { entities: { [MAC]: { '/0': { class: 2 }, class: 1 } } } : {}
  socket.write(`${JSON.stringify({ id, type, msg, code: 0 })}\n`)
  if (type === 'start_run') send(socket, LINES)
}

/** Writes what the network takes, and goes on when it takes more. */
function send(socket: Socket, lines: number): void {
  let left = lines
  while (left > 0) {
    left -= 1
    if (!socket.write(LINE)) break
  }
  if (left > 0) socket.once('drain', () => send(socket, left))
  else socket.write(`{"type":"run_state_change","msg":{"id":"${RUN}","t":1000000000,"old":"NEW","new":"DONE"}}\n`)
}

function written(value: number): string {
  const text = value.toFixed(3)
  return text.startsWith('-') ? text : ` ${text}`
}
