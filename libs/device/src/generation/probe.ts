/**
 * Finds out which generation answers at an endpoint. The first words are two protobuf pings. Their bytes are chosen
 * so that a device of the other generation is answerable too: the length of the second ping, 10, is a line's end, so
 * that such a device sees one line of garbage and complains about it in JSON. Some say nothing; they are asked in
 * their own language, on a second connection. Whatever else comes is passed over, and every wait is bounded.
 */
import { deviceIdOf, Problem } from '@lucihub/analog'
import { connectDevice, type DeviceIdentity } from '../client/device-client.ts'
import { DEVICE_PORT, Session } from '../client/session.ts'
import { connectJsonLines, firmwareText } from '../json-lines/client.ts'
import { readReply } from '../json-lines/replies.ts'
import { dialed } from '../json-lines/session.ts'
import { encodeFrame, FrameReader } from '../wire/framing.ts'
import { decodeEnvelope, PROTOCOL_VERSION } from '../wire/messages.ts'
import type { Generation } from './computer.ts'

/** Where a device may be. */
export interface Endpoint {
  readonly host: string
  /** Default 5732. */
  readonly port?: number
}

export interface ProbeOptions {
  /** Bound of connecting and of each answer, ms; default 5 000. All of a probe takes at most eight of these. */
  readonly timeoutMs?: number
  /** The generation, where it is known: then nothing is asked to find it out. */
  readonly generation?: Generation
  /** For devices of the JSON-lines generation that ask for a password. */
  readonly user?: string
  readonly password?: string
}

/** Who answers at an endpoint. */
export interface ProbedDevice extends DeviceIdentity {
  readonly generation: Generation
  /** MAC address of the first carrier: the device's id. */
  readonly mac: string
  /** What the device says about its firmware; empty when it says nothing. */
  readonly firmware: string
}

const TIMEOUT_MS = 5_000
/** How long the first words may go unanswered, ms; devices answer a ping at once. */
const SILENCE_MS = 1_000
/** What a stranger may say before it counts as one, bytes. */
const ANSWER_BYTES_MAX = 64 * 1024

const PINGS = Buffer.concat([
  encodeFrame({ generic: { pingCommand: {} } }),
  encodeFrame({ version: PROTOCOL_VERSION, generic: { pingCommand: {} } }),
])
const IDENT = Buffer.from('{"id":"lucihub-probe","type":"sys_ident","msg":{}}\n')

/**
 * Asks whoever listens at an endpoint what it is. Rejects with Problem `device-failed` when nobody does, or nobody
 * who speaks a protocol of devices.
 */
export async function probe(endpoint: Endpoint, options: ProbeOptions = {}): Promise<ProbedDevice> {
  const generation = options.generation ?? (await generationAt(endpoint, options))
  const { timeoutMs = TIMEOUT_MS, user = '', password = '' } = options
  const there = { host: endpoint.host, port: endpoint.port ?? DEVICE_PORT, timeoutMs }
  if (generation === 'json-lines') {
    const client = await connectJsonLines({ ...there, user, password })
    try {
      const identity = await client.identify()
      return { generation, mac: deviceIdOf(identity.description), firmware: await client.firmware(), ...identity }
    } finally {
      await client.close()
    }
  }
  const client = await connectDevice({ ...there, busyWaitMs: timeoutMs })
  try {
    const identity = await client.identify()
    return { generation, mac: deviceIdOf(identity.description), firmware: await protobufFirmware(there), ...identity }
  } finally {
    await client.close()
  }
}

/** Which generation answers there. Rejects like {@link probe}. */
export async function generationAt(endpoint: Endpoint, options: ProbeOptions = {}): Promise<Generation> {
  const { timeoutMs = TIMEOUT_MS } = options
  const there = { host: endpoint.host, port: endpoint.port ?? DEVICE_PORT, timeoutMs }
  const silenceMs = Math.min(SILENCE_MS, timeoutMs)
  const generation =
    (await answerTo(PINGS, { ...there, silenceMs })) ?? (await answerTo(IDENT, { ...there, silenceMs: timeoutMs }))
  if (generation) return generation
  throw new Problem('device-failed', `What answers at ${there.host}:${there.port} speaks no protocol of devices.`)
}

interface Listening {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
  readonly silenceMs: number
}

/** Says something on a connection of its own and listens until the answer is understood; null when it never is. */
async function answerTo(words: Uint8Array, options: Listening): Promise<Generation | null> {
  const socket = await dialed(options)
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0)
    const settle = (generation: Generation | null): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(generation)
    }
    const timer = setTimeout(() => settle(null), options.silenceMs)
    socket.on('data', (piece: Uint8Array) => {
      heard = Buffer.concat([heard, piece])
      const generation = generationOf(heard)
      if (generation || heard.length > ANSWER_BYTES_MAX) settle(generation)
    })
    socket.on('error', () => settle(null))
    socket.on('close', () => settle(null))
    socket.write(words)
  })
}

/** What these bytes, the first of a connection, give away; null when they are neither (or not yet). */
export function generationOf(heard: Uint8Array): Generation | null {
  if (speaksProtobuf(heard)) return 'protobuf'
  const text = Buffer.from(heard.buffer, heard.byteOffset, heard.byteLength)
  for (let at = 0, end = text.indexOf('\n'); end >= 0; at = end + 1, end = text.indexOf('\n', at)) {
    if (isOfLines(text.subarray(at, end))) return 'json-lines'
  }
  return null
}

function speaksProtobuf(heard: Uint8Array): boolean {
  try {
    for (const frame of new FrameReader().read(heard)) {
      const { generic, messageV1 } = decodeEnvelope(frame)
      if (generic?.pingResponse || messageV1?.kind) return true
    }
  } catch {
    // No frames: some other language.
  }
  return false
}

/** A reply, a complaint or a push: JSON in the words of this protocol. */
function isOfLines(line: Uint8Array): boolean {
  const said = readReply(line)
  if (said) return true
  return Buffer.from(line).includes('"run_data"') && line[0] === '{'.charCodeAt(0)
}

async function protobufFirmware(there: { host: string; port: number; timeoutMs: number }): Promise<string> {
  const session = await Session.open({
    ...there,
    busyRetryMs: there.timeoutMs,
    busyWaitMs: 0,
    nextId: () => 'lucihub-probe',
    onPush: () => {},
    onLost: () => {},
  })
  try {
    const { fwBuild } = await session.request({ getSystemIdentCommand: {} }, 'getSystemIdentResponse')
    return firmwareText(Object.entries(fwBuild?.entries ?? {}))
  } catch {
    // Behind a proxy, or of a firmware that does not tell: the device is a device all the same.
    return ''
  } finally {
    await session.close()
  }
}
