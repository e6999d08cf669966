/** How a message of the bus becomes bytes and back. */
import { Problem } from '@lucihub/analog'
import type { Message } from '@lucihub/protobuf'

/** How a message becomes bytes and back. */
export interface MessageType<M> {
  readonly name: string
  encode(message: M): Uint8Array
  /** Throws a Problem `invalid-request` when the bytes are not such a message. */
  decode(bytes: Uint8Array): M
}

interface GeneratedType<P> {
  encode(message: P): { finish(): Uint8Array }
  decode(bytes: Uint8Array): unknown
}

/** Wraps a generated class. */
export function messageType<P>(name: string, generated: GeneratedType<P>): MessageType<Message<P>> {
  return {
    name,
    encode: (message) => generated.encode(message as P).finish(),
    decode: (bytes) => {
      try {
        return generated.decode(bytes) as Message<P>
      } catch (cause) {
        throw new Problem('invalid-request', `These ${bytes.length} bytes are not a ${name}.`, { cause })
      }
    },
  }
}

/**
 * A message with some fields changed. Never spread a decoded message: fields that have their default lie on its
 * prototype, and a spread loses them.
 */
export function withFields<M extends object>(message: M, fields: Partial<M>): M {
  return Object.assign(Object.create(Object.getPrototypeOf(message) as object | null) as M, message, fields)
}
