/**
 * The `text/event-stream` format: bytes in, messages out. Lines may end in LF, CRLF or CR, be cut anywhere by
 * the network, and a message counts only when an empty line closed it.
 */

export interface StreamMessage {
  readonly event: string
  readonly data: string
  /** The last id given so far; empty when there was none. */
  readonly lastEventId: string
}

/** Reads messages until the stream ends. `onBytes` is told of every arrival, heartbeats included. */
export async function* readEventStream(
  body: AsyncIterable<Uint8Array>,
  { lastEventId = '', onBytes = () => {} }: { lastEventId?: string; onBytes?: () => void } = {},
): AsyncGenerator<StreamMessage> {
  let event = ''
  let data: string[] = []
  for await (const line of lines(body, onBytes)) {
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), lastEventId }
      event = ''
      data = []
      continue
    }
    const [field, value] = splitField(line)
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) lastEventId = value
  }
}

/** `field: value`; one space after the colon belongs to the format. A comment has the empty field. */
function splitField(line: string): [field: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
  return [line.slice(0, colon), line.slice(start)]
}

async function* lines(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    onBytes()
    rest += decoder.decode(bytes, { stream: true })
    // A CR at the very end may be half of a CRLF: it waits for the next bytes.
    const ready = rest.endsWith('\r') ? rest.slice(0, -1) : rest
    const parts = ready.split(/\r\n|\n|\r/)
    rest = (parts.pop() ?? '') + rest.slice(ready.length)
    yield* parts
  }
}
