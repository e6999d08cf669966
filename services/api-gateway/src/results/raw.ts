/** Measurements as bytes: channel after channel, little-endian. The headers say how to cut and read them. */
import { BYTES_PER_SAMPLE } from '@lucihub/analog'
import type { Bus } from '@lucihub/messaging'
import type { Selection } from './selection.ts'
import { bytesOf, encodingOf, physical, slices, type RunAddress } from './slices.ts'

export interface RawOptions extends RunAddress {
  readonly selection: Selection
  /** `physical`: float32; `native`: as they are stored. */
  readonly encoding: 'physical' | 'native'
}

export async function* raw(bus: Bus, { selection, encoding, ...run }: RawOptions): AsyncGenerator<Uint8Array> {
  const { channels, fromIndex, toIndex } = selection
  for (const { index } of channels) {
    for await (const slice of slices(bus, { ...run, channel: index, fromIndex, toIndex })) {
      yield encoding === 'native' ? slice.bytes : bytesOf(physical(slice))
    }
  }
}

export function rawHeaders({
  selection,
  encoding,
}: Pick<RawOptions, 'selection' | 'encoding'>): Record<string, string> {
  const { channels, fromIndex, toIndex, sampleRateHz } = selection
  const samples = toIndex - fromIndex
  const widths = channels.map(
    (channel) => BYTES_PER_SAMPLE[encoding === 'native' ? (encodingOf(channel) ?? 'f32') : 'f32'],
  )
  return {
    'content-length': String(widths.reduce((sum, width) => sum + width * samples, 0)),
    'lucihub-channels': channels.map(({ index }) => index).join(','),
    'lucihub-first-index': String(fromIndex),
    'lucihub-samples': String(samples),
    'lucihub-sample-rate-hz': String(sampleRateHz),
    ...(encoding === 'native' && {
      'lucihub-encodings': channels.map((channel) => encodingOf(channel) ?? 'f32').join(','),
      'lucihub-gains': channels.map(({ gain }) => gain).join(','),
      'lucihub-offsets': channels.map(({ offset }) => offset).join(','),
    }),
  }
}
