/**
 * The generated messages as the rest of this library sees them. The library of whole numbers comes first: the
 * defaults of the generated code depend on it. To leave a default off the wire, an encoder passes null.
 */
import type { Message } from '@lucihub/protobuf'
import '@lucihub/protobuf'
import { Problem } from '@lucihub/analog'
import { anabrid } from '../generated/device.js'

export { anabrid }

/** A received message: scalars and lists required, sub-messages optional. */
export type Received<P> = Message<P>

export type Envelope = Received<anabrid.Envelope.$Properties>
export type MessageV1 = Received<anabrid.MessageV1.$Properties>
export type Module = Received<anabrid.Module.$Properties>
export type Item = Received<anabrid.Item.$Properties>
export type DaqData = Received<anabrid.DaqData.$Properties>

/** What is sent: everything optional. */
export type EnvelopeToSend = anabrid.Envelope.$Properties
export type MessageToSend = anabrid.MessageV1.$Properties

/** The names of the kinds of a MessageV1. */
export type MessageKind = NonNullable<anabrid.MessageV1.$Properties['kind']>

/** The protocol version that clients put on their envelopes: 0.1.0. */
export const PROTOCOL_VERSION = { minor: 1 } as const

/** Decodes the payload of one frame. Throws a Problem `invalid-request` when it is no Envelope. */
export function decodeEnvelope(payload: Uint8Array): Envelope {
  return decoded('Envelope', payload, () => anabrid.Envelope.decode(payload))
}

/** Decodes an .apb file. Throws a Problem `invalid-request` when it is none. */
export function decodeFile(bytes: Uint8Array): Received<anabrid.File.$Properties> {
  return decoded('File', bytes, () => anabrid.File.decode(bytes))
}

function decoded<P>(name: string, bytes: Uint8Array, decode: () => P): Received<P> {
  try {
    return decode() as Received<P>
  } catch (cause) {
    throw new Problem('invalid-request', `These ${bytes.length} bytes are not a device protocol ${name}.`, { cause })
  }
}
