/** The figure of a run: its plot from the hub, and the samples of two channels for the phase portrait. */
import type { Client, PlotResource, Samples } from '@lucihub/sdk'
import type { Figure, Phase } from './show/figure.ts'

/** Samples per channel in a phase portrait; a longer run is drawn up to here. */
const PHASE_SAMPLES = 100_000
const POINTS = 800

export interface FigureRequest {
  readonly title: string
  /** Labels or indices of the two channels of the phase portrait; null for the first two. */
  readonly phase: readonly [string, string] | null
}

/** Rejects with an Error when `phase` names a channel that there is not. */
export async function runFigure(client: Client, id: string, { title, phase }: FigureRequest): Promise<Figure> {
  const plot = await client.plot(id, { points: POINTS })
  const pair = phase
    ? [channelOf(plot, phase[0]), channelOf(plot, phase[1])]
    : plot.channels.map(({ index }) => index).slice(0, 2)
  const samples = pair.length === 2 ? await client.samples(id, { channels: pair, to: `#${PHASE_SAMPLES}` }) : null
  const unitsPerSecond = plot.problemTimePerSecond || 1
  const instant = (index: number): number => (index / plot.sampleRateHz) * unitsPerSecond
  return {
    title,
    traces: plot.channels,
    phase: samples && phaseOf(samples, pair),
    time: {
      from: instant(plot.fromIndex),
      to: instant(Math.max(plot.fromIndex, plot.toIndex - 1)),
      label: plot.problemTimePerSecond > 0 ? 't' : 's',
    },
  }
}

function phaseOf({ channels }: Samples, pair: readonly number[]): Phase | null {
  const [x, y] = pair.map((wanted) => channels.find(({ index }) => index === wanted))
  return x && y ? { xLabel: x.label, yLabel: y.label, x: x.values, y: y.values } : null
}

function channelOf({ channels }: PlotResource, name: string): number {
  const found = channels.find(({ label }) => label === name) ?? channels.find(({ index }) => String(index) === name)
  if (!found)
    throw new Error(`There is no channel '${name}'. The channels are ${channels.map(({ label }) => label).join(', ')}.`)
  return found.index
}
