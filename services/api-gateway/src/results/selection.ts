/** Which samples a request means: channels by label or index, a window by seconds or index, cut to what is stored. */
import { Problem } from '@lucihub/analog'
import type { ChannelInfo, ListChannelsReply } from '@lucihub/contracts'

export interface Selection {
  readonly channels: readonly ChannelInfo[]
  readonly fromIndex: number
  /** Exclusive. */
  readonly toIndex: number
  readonly sampleRateHz: number
  readonly problemTimePerSecond: number
}

interface Wanted {
  readonly channels?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Throws `validation-failed` for an unknown channel or a window that ends before it begins. */
export function select(list: ListChannelsReply, wanted: Wanted): Selection {
  const { sampleRateHz, problemTimePerSecond } = list
  const channels =
    wanted.channels === undefined
      ? list.channels
      : wanted.channels.split(',').map((name) => channelNamed(name, list.channels))
  const stored = Math.min(...channels.map(({ samples }) => samples))
  const end = Number.isFinite(stored) ? stored : 0
  const from = wanted.from === undefined ? 0 : indexOf(wanted.from, sampleRateHz)
  const to = wanted.to === undefined ? end : indexOf(wanted.to, sampleRateHz)
  if (to < from && wanted.to !== undefined) {
    throw refused(
      '/to',
      wanted.to,
      'The window ends before it begins.',
      `Send a \`to\` that is at least \`from\` (${wanted.from ?? '0'}).`,
    )
  }
  return {
    channels,
    fromIndex: Math.min(from, end),
    toIndex: Math.max(Math.min(from, end), Math.min(to, end)),
    sampleRateHz,
    problemTimePerSecond,
  }
}

/** `#1` is an index; a bare `1` is one unless a channel is called so. */
function channelNamed(name: string, channels: readonly ChannelInfo[]): ChannelInfo {
  const [, digits] = /^#?(\d+)$/.exec(name) ?? []
  const found =
    channels.find(({ label }) => label === name) ??
    channels.find(({ index }) => digits !== undefined && index === Number(digits))
  if (found) return found
  const known = channels
    .map(({ label, index }) => label || String(index))
    .join(', ')
    .slice(0, 200)
  throw refused('/channels', name, 'The run has no such channel.', known ? `Use ${known}.` : 'The run has no channels.')
}

/** The first sample at or after a time. A hair of tolerance keeps 0.1 s at 10 kHz from becoming sample 1001. */
function indexOf(position: string, sampleRateHz: number): number {
  return position.startsWith('#')
    ? Number(position.slice(1))
    : Math.max(0, Math.ceil(Number(position) * sampleRateHz - 1e-6))
}

function refused(pointer: string, value: string, message: string, remedy: string): Problem {
  return new Problem('validation-failed', message, {
    violations: [{ pointer, value: value.slice(0, 80), message, remedy }],
  })
}
