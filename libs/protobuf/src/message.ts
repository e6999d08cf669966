/**
 * Messages as TypeScript sees them. protobufjs decodes into classes whose prototypes hold the proto3
 * defaults, so scalars and lists are always there and only sub-messages and what is `optional` may be absent:
 * `Message` says so.
 */

/** The plain shape of a generated `$Properties` type: scalars and lists required, sub-messages optional. */
export type Message<P> = P extends Uint8Array
  ? Uint8Array
  : P extends readonly (infer E)[]
    ? readonly Message<E>[]
    : P extends object
      ? string extends keyof P
        ? P
        : { readonly [K in keyof P as MayMiss<P[K]> extends true ? never : Wanted<K>]-?: Message<Present<P[K]>> } & {
            readonly [K in keyof P as MayMiss<P[K]> extends true ? Wanted<K> : never]?: Message<Present<P[K]>> | null
          }
      : P

/** Sub-messages, and fields that the proto file calls `optional`: the generator marks those with `void`. */
type MayMiss<V> = IsSub<V> extends true ? true : Marked<V>
type Marked<V> = true extends (V extends void ? (V extends undefined ? never : true) : never) ? true : false
type Present<V> = Exclude<NonNullable<V>, void>
type Wanted<K> = K extends '$unknowns' ? never : K
type IsSub<V> =
  NonNullable<V> extends Uint8Array | readonly unknown[]
    ? false
    : NonNullable<V> extends object
      ? string extends keyof NonNullable<V>
        ? false
        : true
      : IsOneofName<V>
/** The virtual property that names a oneof's case is a string union; it never has to be given. */
type IsOneofName<V> = NonNullable<V> extends string ? (string extends NonNullable<V> ? false : true) : false
