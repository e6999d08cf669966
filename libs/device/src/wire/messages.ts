/**
 * The generated messages as the rest of this library sees them. protobufjs decodes into classes whose
 * prototypes hold the proto3 defaults, so a received scalar or list is always there and only sub-messages
 * may be absent: `Received` says so. To leave a default off the wire, an encoder passes null.
 */
import { Problem } from '@lucihub/analog'
import protobuf from 'protobufjs/minimal.js'
import { anabrid } from '../generated/device.js'

// Numbers instead of Long objects; the one large field in use, `Time.value` in ns, stays below 2^53.
Object.assign(protobuf.util, { Long: null })
protobuf.configure()

export { anabrid }

/** A received message: scalars and lists required, sub-messages optional. */
export type Received<P> = P extends Uint8Array
  ? Uint8Array
  : P extends readonly (infer E)[]
    ? readonly Received<E>[]
    : P extends object
      ? string extends keyof P
        ? P
        : { readonly [K in keyof P as IsSub<P[K]> extends true ? never : Wanted<K>]-?: Received<NonNullable<P[K]>> } & {
            readonly [K in keyof P as IsSub<P[K]> extends true ? Wanted<K> : never]?: Received<NonNullable<P[K]>> | null
          }
      : P

type Wanted<K> = K extends '$unknowns' ? never : K
type IsSub<V> =
  NonNullable<V> extends Uint8Array | readonly unknown[]
    ? false
    : NonNullable<V> extends object
      ? string extends keyof NonNullable<V>
        ? false
        : true
      : IsOneofName<V>
/** The virtual property that names the case of a oneof is a union of strings. */
type IsOneofName<V> = NonNullable<V> extends string ? (string extends NonNullable<V> ? false : true) : false

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
