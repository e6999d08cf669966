/** A run as a device of this generation tells it to everybody: lines of samples, and its last word. */
import {
  CLANES,
  Problem,
  samplesOf,
  type AnalogComputer,
  type DevicePhase,
  type RunEvent,
  type RunRequest,
  type SampleChunk,
} from '@lucihub/analog'

/** Rows in one line of samples. */
const ROWS_PER_LINE = 512

/** A run to be told, as a client asked for it. */
export interface LineRun {
  /** The connection that asked for it. */
  readonly starter: number
  readonly request: RunRequest
  /** Numbers in a row, 0 for no samples. */
  readonly channels: number
  readonly finalValues: boolean
}

export interface LineRunOptions {
  readonly run: LineRun
  readonly computer: AnalogComputer
  /** MAC address of the carrier that is sampled. */
  readonly mac: string
  /** By position in a row, the probe that stands there; null for a channel without one. */
  readonly columns: readonly (number | null)[]
  /** True: every phase is told, as later firmwares do; else only DONE and ERROR. */
  readonly allPhases: boolean
  readonly signal: AbortSignal
  readonly onFinal: (values: Float32Array) => void
  /** Tells everybody a line; resolves when more may follow. */
  readonly tell: (line: string) => Promise<void>
}

/** Drives the run to its end; never rejects. The last word is left to the caller to tell by what this resolves with. */
export async function tellRun(options: LineRunOptions): Promise<string> {
  const { run, computer, signal, tell } = options
  let last: { phase: DevicePhase; timeNs: number; reason: string } = { phase: 'ERROR', timeNs: 0, reason: 'no end' }
  let phase: DevicePhase = 'NEW'
  let opStartNs: number | null = null
  let opEndNs = 0
  const opTimeNs = (): number => (opStartNs === null ? 0 : Math.max(0, opEndNs - opStartNs))
  try {
    for await (const event of computer.run(run.request, signal)) {
      if (event.kind === 'phase') {
        if (event.phase === 'OP') opStartNs = event.timeNs
        opEndNs = event.timeNs
        if (event.phase === 'DONE' || event.phase === 'ERROR') last = event
        else if (options.allPhases) await tell(stateLine(run, { old: phase, phase: event.phase, opTimeNs: opTimeNs() }))
        if (event.phase !== 'DONE' && event.phase !== 'ERROR') phase = event.phase
      }
      for (const line of linesOf(event, options)) await tell(line)
    }
  } catch (thrown) {
    last = { phase: 'ERROR', timeNs: 0, reason: Problem.from(thrown).message }
  }
  const old = options.allPhases ? phase : 'NEW'
  return stateLine(run, { old, phase: last.phase, opTimeNs: opTimeNs(), reason: last.reason })
}

function* linesOf(event: RunEvent, options: LineRunOptions): Generator<string, void> {
  const { run, mac } = options
  if (event.kind === 'samples') yield* sampleLines(event.chunk, options)
  if (event.kind !== 'final') return
  options.onFinal(event.values)
  if (!run.finalValues) return
  for (let base = 0; base + CLANES <= event.values.length; base += CLANES) {
    const row = [...event.values.subarray(base, base + CLANES)].map(decimal)
    yield dataLine(run, [mac, String(base / CLANES)], `[${row.join(',')}]`)
  }
}

function* sampleLines(chunk: SampleChunk, { run, mac, columns }: LineRunOptions): Generator<string, void> {
  if (run.channels === 0) return
  const blocks = Array.from({ length: run.channels }, (_, channel) => {
    const block = chunk.blocks[columns[channel] ?? -1]
    return block ? samplesOf(block, chunk.encoding) : null
  })
  for (let from = 0; from < chunk.count; from += ROWS_PER_LINE) {
    const rows: string[] = []
    for (let s = from; s < Math.min(chunk.count, from + ROWS_PER_LINE); s++)
      rows.push(`[${blocks.map((block) => decimal(block?.[s] ?? 0)).join(',')}]`)
    yield dataLine(run, [mac, '0'], rows.join(','))
  }
}

function dataLine({ request: { id } }: LineRun, entity: readonly string[], rows: string): string {
  return `{"type":"run_data","msg":{"id":${JSON.stringify(id)},"entity":${JSON.stringify(entity)},"data":[${rows}]}}`
}

interface Change {
  readonly old: DevicePhase
  readonly phase: DevicePhase
  readonly opTimeNs: number
  readonly reason?: string
}

function stateLine({ request: { id } }: LineRun, { old, phase, opTimeNs, reason = '' }: Change): string {
  const msg = { id, t: opTimeNs, old, new: phase, ...(reason !== '' && { reason }) }
  return JSON.stringify({ type: 'run_state_change', msg })
}

/** Three decimals, and a blank where there is no sign: "% 1.3f" of C. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  const text = value.toFixed(3)
  return text.startsWith('-') ? text : ` ${text}`
}
