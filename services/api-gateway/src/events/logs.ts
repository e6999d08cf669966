/** The log of a run, written while it is read from the store. */
import { instant } from '../runs/run-resource.ts'
import { gunzip } from 'node:zlib'
import { promisify } from 'node:util'
import { store, type LogBlob, type RunMessage } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import type { RunAddress } from '../results/slices.ts'
import { storyOf } from './run-feed.ts'
import { BEGINNING, type Position } from './run-events.ts'
import type { ReadStory } from './viewer.ts'

interface LogLine {
  readonly shard: number
  /** Of the log: a worker may keep several. */
  readonly name: string
  readonly attempt: number
  readonly at: string
  readonly line: string
}

const inflate = promisify(gunzip)
const DEVICE_LOG = 'device.log'
/** `2026-01-02T03:04:05.678Z ` */
const TIME_LENGTH = 25

/** The log of a run, whoever did it: of workers by shard, attempt and name; of devices shard by shard. */
export async function* runLog(bus: Bus, run: RunMessage, address: RunAddress): AsyncGenerator<readonly LogLine[]> {
  if (run.engine === 'worker') yield* workerLog(bus, address)
  else {
    yield* logLines(storyOf(bus, address))
    for (const { childRunId, index } of run.shards)
      if (childRunId !== '') yield* logLines(storyOf(bus, { ...address, runId: childRunId }), index)
  }
}

/** Texts by name of file; names that several shards or attempts use say whose they are. */
export async function logFiles(pages: AsyncGenerator<readonly LogLine[]>): Promise<Record<string, string>> {
  const files = new Map<string, { readonly line: LogLine; text: string }>()
  for await (const page of pages)
    for (const line of page) {
      const key = `shard-${line.shard}/attempt-${line.attempt}/${line.name}`
      const file = files.get(key) ?? { line, text: '' }
      file.text += `${line.line}\n`
      files.set(key, file)
    }
  const uses = (name: string): number => [...files.values()].filter(({ line }) => line.name === name).length
  return Object.fromEntries([...files].map(([key, { line, text }]) => [uses(line.name) === 1 ? line.name : key, text]))
}

async function* workerLog(bus: Bus, address: RunAddress): AsyncGenerator<readonly LogLine[]> {
  for (let offset = 0; ;) {
    const { blobs, more } = await bus.call(store.readLogs, { ...address, offset })
    for (const blob of blobs) yield await blobLines(blob)
    offset += blobs.length
    if (!more || blobs.length === 0) return
  }
}

async function blobLines({ shard, attempt, name, body }: LogBlob): Promise<readonly LogLine[]> {
  const lines = (await inflate(body)).toString().split('\n').slice(0, -1)
  return lines.map((line) => ({
    shard,
    attempt,
    name,
    at: line.slice(0, TIME_LENGTH - 1),
    line: line.slice(TIME_LENGTH),
  }))
}

/** Lines, page by page of the story. */
async function* logLines(read: ReadStory, shard = 0): AsyncGenerator<readonly LogLine[]> {
  let after: Position = BEGINNING
  for (;;) {
    const { events, more } = await read(after)
    yield events.flatMap(({ attempt, atMs, log }) =>
      (log?.lines ?? []).map((line) => ({ shard, name: DEVICE_LOG, attempt, at: instant(atMs), line })),
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
