/**
 * Cuts a direction of a NATS connection into its frames, so that a relay can drop, double, delay or spoil single
 * messages as a network of another kind would. Of the protocol it knows only where a frame ends.
 */

export interface Frame {
  /** PUB, HPUB, MSG, HMSG; other lines keep their first word. */
  readonly verb: string
  readonly subject: string
  /** Where an answer goes; empty without. */
  readonly reply: string
  /** With the line end, as it came. */
  readonly head: Buffer
  /** NATS headers; empty without. */
  readonly headers: Buffer
  readonly payload: Buffer
}

const LINE_END = Buffer.from('\r\n')

export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** The frames that are complete now. */
  read(bytes: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const frames: Frame[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Frame | null {
    const end = this.#rest.indexOf(LINE_END)
    if (end < 0) return null
    const words = this.#rest.toString('latin1', 0, end).split(/ +/)
    const verb = (words[0] ?? '').toUpperCase()
    const place = placeOf(verb, words.slice(1))
    const head = end + LINE_END.length
    const size = place ? head + place.total + LINE_END.length : head
    if (this.#rest.length < size) return null
    const frame = {
      verb,
      subject: place?.subject ?? '',
      reply: place?.reply ?? '',
      head: this.#rest.subarray(0, head),
      headers: this.#rest.subarray(head, head + (place?.headers ?? 0)),
      payload: this.#rest.subarray(head + (place?.headers ?? 0), head + (place?.total ?? 0)),
    }
    this.#rest = this.#rest.subarray(size)
    return frame
  }
}

interface Place {
  readonly subject: string
  readonly reply: string
  /** Bytes of headers, and of headers and payload. */
  readonly headers: number
  readonly total: number
}

/** Null for a line without a payload. MSG and HMSG have the subscription's id behind the subject. */
function placeOf(verb: string, words: readonly string[]): Place | null {
  const sizes = { PUB: 1, MSG: 1, HPUB: 2, HMSG: 2 }[verb]
  if (sizes === undefined) return null
  const subject = words[0] ?? ''
  const numbers = words.slice(-sizes).map(Number)
  const between = words.slice(verb.endsWith('MSG') ? 2 : 1, -sizes)
  return {
    subject,
    reply: between[0] ?? '',
    headers: sizes === 2 ? (numbers[0] ?? 0) : 0,
    total: numbers.at(-1) ?? 0,
  }
}

/** The frame as it travels. */
export function bytesOf({ verb, head, headers, payload }: Frame): Buffer {
  return ['PUB', 'MSG', 'HPUB', 'HMSG'].includes(verb) ? Buffer.concat([head, headers, payload, LINE_END]) : head
}

/** The value of a header; empty without. */
export function headerOf({ headers }: Frame, name: string): string {
  return new RegExp(`^${name}: ?(.*)\r$`, 'mi').exec(headers.toString('latin1'))?.[1] ?? ''
}

/** The same publication under another message id, for which nobody waits. */
export function underOtherId(frame: Frame, suffix: string): Frame {
  const text = frame.headers.toString('latin1').replace(/^(Nats-Msg-Id: ?.*)\r$/im, `$1${suffix}\r`)
  const headers = Buffer.from(text, 'latin1')
  const total = headers.length + frame.payload.length
  const head = Buffer.from(`HPUB ${frame.subject} ${headers.length} ${total}\r\n`, 'latin1')
  return { ...frame, reply: '', head, headers }
}

/** The same message with one bit of its payload turned over. */
export function withBitFlipped(frame: Frame, at: number): Frame {
  const payload = Buffer.from(frame.payload)
  const byte = Math.min(payload.length - 1, Math.floor(payload.length * at))
  payload[byte] = (payload[byte] ?? 0) ^ 0x10
  return { ...frame, payload }
}
