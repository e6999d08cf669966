/**
 * Messages as TypeScript sees them. protobufjs decodes into classes whose prototypes hold the proto3
 * defaults, so scalars and lists are always there and only sub-messages may be absent: `Message` says so.
 */

/** The plain shape of a generated `$Properties` type: scalars and lists required, sub-messages optional. */
export type Message<P> = P extends Uint8Array
  ? Uint8Array
  : P extends readonly (infer E)[]
    ? readonly Message<E>[]
    : P extends object
      ? string extends keyof P
        ? P
        : { readonly [K in keyof P as IsSub<P[K]> extends true ? never : Wanted<K>]-?: Message<NonNullable<P[K]>> } & {
            readonly [K in keyof P as IsSub<P[K]> extends true ? Wanted<K> : never]?: Message<NonNullable<P[K]>> | null
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
/** The virtual property that names a oneof's case is a string union; it never has to be given. */
type IsOneofName<V> = NonNullable<V> extends string ? (string extends NonNullable<V> ? false : true) : false
