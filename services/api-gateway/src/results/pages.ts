/**
 * Results as channels with pages, whoever made them: of a worker the pages it handed in (or the merger made), of a
 * device windows of its samples. Written while they are read from the store, page by page.
 */
import { gunzip } from 'node:zlib'
import { promisify } from 'node:util'
import { Problem } from '@lucihub/analog'
import { store, type ChannelInfo, type ListChannelsReply, type ResultChannel } from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import type { Caller } from '../access/caller.ts'
import { jsonObject } from '../runs/run-resource.ts'
import { numbers } from './json-columns.ts'
import { TextWriter } from './number-text.ts'
import type { ChannelListResource } from './results.schema.ts'
import { bytesOf, encodingOf, window } from './slices.ts'

/** Samples that make a page of a device's channel: the number of a page says which. */
export const PAGE_SAMPLES = 16_384

type Channel = ChannelListResource['channels'][number]
type PageHead = Channel['pages'][number]

/** Whose results. */
export interface Results {
  readonly runId: string
  readonly caller: Caller
  /** Null: of the run as a whole. */
  readonly shard: number | null
}

const inflate = promisify(gunzip)

/** Problem `not-found`. A shard on a device is a run of its own. */
export async function channelList(bus: Bus, results: Results): Promise<ChannelListResource> {
  const address = await addressOf(bus, results)
  const list = await bus.call(store.listChannels, address)
  const { attempt, sampleRateHz, problemTimePerSecond } = list
  const channels =
    list.engine === 'worker'
      ? (await workerChannels(bus, results)).map(workerChannel)
      : list.channels.map((channel) => deviceChannel(channel, list))
  return { attempt: attempt || null, sampleRateHz, problemTimePerSecond, channels }
}

/** `{"name", …, "pages": […]}`, with what the pages hold. */
export async function* channelText(
  bus: Bus,
  results: Results,
  channel: Channel,
  wanted: (number: number) => boolean = () => true,
): AsyncGenerator<Buffer> {
  const { name, sourceName, unit, metadata } = channel
  yield Buffer.from(`${JSON.stringify({ name, sourceName, unit, metadata }).slice(0, -1)},"pages":[`)
  yield* pagesText(
    bus,
    results,
    channel,
    channel.pages.filter(({ number }) => wanted(number)),
  )
  yield Buffer.from(']}')
}

/** Pages, comma-separated. */
export async function* pagesText(
  bus: Bus,
  results: Results,
  channel: Channel,
  pages: readonly PageHead[],
): AsyncGenerator<Buffer> {
  for (const [at, page] of pages.entries()) {
    if (at > 0) yield Buffer.from(',')
    yield await pageText(bus, results, { channel, page })
  }
}

/** One page as a JSON document. */
export async function pageText(
  bus: Bus,
  results: Results,
  { channel, page }: { readonly channel: Channel; readonly page: PageHead },
): Promise<Buffer> {
  if (channel.encoding === null) {
    const body = await bodyOf(bus, results, { channel, page })
    const head = JSON.stringify(page)
    return Buffer.from(body === '{}' ? head : `${head.slice(0, -1)},${body.slice(1)}`)
  }
  const writer = new TextWriter(1 << 18)
  writer.text(`${JSON.stringify(page).slice(0, -1)},"data":{"name":${JSON.stringify(channel.name)},`)
  writer.text(`"unit":${JSON.stringify(channel.unit)},"values":[`)
  numbers(writer, await samples(bus, results, { channel, page }))
  return Buffer.from(writer.text(']}}').take())
}

/** The values alone, little-endian: float32 of a device, float64 of a worker. */
export async function pageBytes(
  bus: Bus,
  results: Results,
  { channel, page }: { readonly channel: Channel; readonly page: PageHead },
): Promise<Uint8Array> {
  if (channel.encoding !== null) return bytesOf(await samples(bus, results, { channel, page }))
  const body = JSON.parse(await bodyOf(bus, results, { channel, page })) as {
    readonly data?: { readonly values?: readonly (number | null)[] }
  }
  const values = body.data?.values
  if (!values) throw new Problem('not-acceptable', 'The page holds no values: it is available as JSON only.')
  return new Uint8Array(Float64Array.from(values, (value) => value ?? NaN).buffer)
}

/** Problem `not-found`. */
export function channelNamed({ channels }: ChannelListResource, name: string): Channel {
  const found = channels.find((channel) => channel.name === name)
  if (!found) throw new Problem('not-found', `The run has no channel "${name.slice(0, 80)}".`)
  return found
}

/** Problem `not-found`. */
export function pageNumbered({ pages, name }: Channel, number: string): PageHead {
  const found = /^\d{1,9}$/.test(number) ? pages.find((page) => page.number === Number(number)) : undefined
  if (!found) throw new Problem('not-found', `The channel "${name}" has no page ${number.slice(0, 40)}.`)
  return found
}

async function samples(
  bus: Bus,
  results: Results,
  { channel, page }: { channel: Channel; page: PageHead },
): Promise<Float32Array> {
  const fromIndex = page.number * PAGE_SAMPLES
  const toIndex = fromIndex + (page.shape[0] ?? 0)
  return window(bus, { ...(await addressOf(bus, results)), channel: channel.index, fromIndex, toIndex })
}

async function bodyOf(
  bus: Bus,
  { runId, caller, shard }: Results,
  { channel, page }: { channel: Channel; page: PageHead },
): Promise<string> {
  const { page: stored } = await bus.call(store.readPage, {
    ownerId: caller.userId,
    role: caller.role,
    runId,
    shardPlusOne: shard === null ? 0 : shard + 1,
    position: channel.index,
    number: page.number,
  })
  return (await inflate(stored?.body ?? new Uint8Array(0))).toString()
}

async function workerChannels(bus: Bus, { runId, caller, shard }: Results): Promise<readonly ResultChannel[]> {
  const { channels } = await bus.call(store.listPages, {
    ownerId: caller.userId,
    role: caller.role,
    runId,
    shardPlusOne: shard === null ? 0 : shard + 1,
  })
  return channels
}

async function addressOf(
  bus: Bus,
  { runId, caller, shard }: Results,
): Promise<{ ownerId: string; role: string; runId: string }> {
  const { userId: ownerId, role } = caller
  if (shard === null) return { ownerId, role, runId }
  const { run } = await bus.call(store.getRun, { ownerId, role, runId })
  const found = run?.shards.find(({ index }) => index === shard)
  if (!found) throw new Problem('not-found', `The run has no shard ${shard}.`)
  return { ownerId, role, runId: found.childRunId || runId }
}

function workerChannel({ position, name, sourceName, unit, metadataJson, pages }: ResultChannel): Channel {
  return {
    index: position,
    label: name,
    name,
    sourceName,
    unit,
    metadata: jsonObject(metadataJson),
    gain: 1,
    offset: 0,
    encoding: null,
    samples: pages.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0),
    digest: null,
    pages: pages.map((page) => ({
      number: page.number,
      name: page.name,
      dimension: page.dimension,
      shape: [...page.shape],
      kind: page.kind,
      t0: null,
      dt: null,
    })),
  }
}

function deviceChannel(channel: ChannelInfo, { sampleRateHz }: ListChannelsReply): Channel {
  const { index, label, unit, gain, offset, samples: stored, digest } = channel
  const dt = sampleRateHz > 0 ? 1 / sampleRateHz : 0
  return {
    index,
    label,
    name: label || `channel-${index}`,
    sourceName: `probe-${index}`,
    unit,
    metadata: {},
    gain,
    offset,
    encoding: encodingOf(channel),
    samples: stored,
    digest: digest.length > 0 ? Buffer.from(digest).toString('hex') : null,
    pages: Array.from({ length: Math.ceil(stored / PAGE_SAMPLES) }, (_, number) => ({
      number,
      name: '',
      dimension: 1,
      shape: [Math.min(PAGE_SAMPLES, stored - number * PAGE_SAMPLES)],
      kind: 'samples',
      t0: number * PAGE_SAMPLES * dt,
      dt,
    })),
  }
}
