/** The log of a run, written while it is read from the store. */
import { instant } from '../runs/run-resource.ts'
import { BEGINNING, type Position } from './run-events.ts'
import type { ReadStory } from './viewer.ts'

interface LogLine {
  readonly attempt: number
  readonly at: string
  readonly line: string
}

/** Lines, page by page of the story. */
export async function* logLines(read: ReadStory): AsyncGenerator<readonly LogLine[]> {
  let after: Position = BEGINNING
  for (;;) {
    const { events, more } = await read(after)
    yield events.flatMap(({ attempt, atMs, log }) =>
      (log?.lines ?? []).map((line) => ({ attempt, at: instant(atMs), line })),
    )
    const last = events[events.length - 1]
    if (!more || !last) return
    after = { attempt: last.attempt, seq: last.seq }
  }
}

export async function* logText(pages: AsyncGenerator<readonly LogLine[]>): AsyncGenerator<Buffer> {
  for await (const page of pages)
    yield Buffer.from(page.map(({ attempt, at, line }) => `${at} ${attempt} ${oneLine(line)}\n`).join(''))
}

export async function* logJson(pages: AsyncGenerator<readonly LogLine[]>): AsyncGenerator<Buffer> {
  let text = '{"lines":['
  let separator = ''
  for await (const page of pages) {
    for (const line of page) {
      text += separator + JSON.stringify(line)
      separator = ','
    }
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(']}')
}

/** A device's text stays on its line and cannot steer a terminal. */
function oneLine(text: string): string {
  return text.replace(/(?!\t)\p{Cc}/gu, '\ufffd')
}
