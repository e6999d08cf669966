/** A computer that "measures" a formula, at the pace of a real device, and misbehaves on request. */
import {
  lucidacDescription,
  sampleCount,
  type AnalogComputer,
  type Configuration,
  type DeviceDescription,
  type DevicePhase,
  type OverloadStatus,
  type RunEvent,
  type RunRequest,
} from '@lucihub/analog'
import { setTimeout as sleep } from 'node:timers/promises'
import { samplesAt } from './sample.ts'

/** `silent`: stops sending for good. `skip`: loses chunks. `error`: gives up. `early`: says DONE before its last data. */
export const MISBEHAVIOURS = ['silent', 'skip', 'error', 'early'] as const
export type Misbehaviour = (typeof MISBEHAVIOURS)[number]

export interface RunReport {
  readonly runId: string
  readonly channels: number
  readonly sent: number
  readonly skipped: number
  readonly done: boolean
}

/** Time between two chunks, ms. */
const CHUNK_MS = 20
const CHUNK_SAMPLES_MAX = 4096
/** Under `skip`, one chunk in so many is lost. */
const SKIP_EVERY = 5

export class FormulaComputer implements AnalogComputer {
  readonly #description: DeviceDescription
  readonly #misbehaviour: () => Misbehaviour | null
  readonly #report: (report: RunReport) => void
  #channels = 0

  constructor(
    mac: string,
    { misbehaviour, report }: { misbehaviour(): Misbehaviour | null; report(report: RunReport): void },
  ) {
    this.#description = lucidacDescription(mac)
    this.#misbehaviour = misbehaviour
    this.#report = report
  }

  async describe(): Promise<DeviceDescription> {
    return this.#description
  }

  async reset(): Promise<void> {
    this.#channels = 0
  }

  async configure({ probes }: Configuration): Promise<void> {
    this.#channels = probes.length
  }

  async *run(
    { id: runId, icTimeNs, opTimeNs, sampleRateHz }: RunRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<RunEvent> {
    const channels = this.#channels
    const total = channels === 0 ? 0 : sampleCount(opTimeNs, sampleRateHz)
    const chunk = Math.max(1, Math.min(CHUNK_SAMPLES_MAX, Math.round((sampleRateHz * CHUNK_MS) / 1000)))
    const began = performance.now()
    let [sent, skipped, done] = [0, 0, false]
    const say = (): void => this.#report({ runId, channels, sent, skipped, done })
    try {
      yield phase('TAKE_OFF', 0)
      yield phase('IC', 0)
      yield phase('OP', icTimeNs)
      for (let from = 0, number = 0; from < total; number++) {
        const count = Math.min(chunk, total - from)
        await sleep(Math.max(0, began + ((from + count) / sampleRateHz) * 1000 - performance.now()))
        if (signal?.aborted) break
        const wrong = this.#misbehaviour()
        if (wrong === 'silent') await aborted(signal)
        if (wrong === 'error') return yield phase('ERROR', icTimeNs, 'The harness asked for an error.')
        if (wrong === 'early') break
        if (wrong === 'skip' && number % SKIP_EVERY === SKIP_EVERY - 1) {
          skipped += count
          yield { kind: 'gap', fromChunk: number, toChunk: number + 1 }
        } else {
          const blocks = Array.from({ length: channels }, (_, channel) =>
            bytesOf(samplesAt(runId, { channel, from, count })),
          )
          sent += count
          yield { kind: 'samples', chunk: { firstIndex: from, count, encoding: 'f32', blocks } }
        }
        from += count
      }
      if (total === 0) await sleep(opTimeNs / 1e6)
      if (signal?.aborted) return yield phase('DONE', icTimeNs)
      done = true
      say()
      yield phase('OP_END', icTimeNs + opTimeNs)
      yield phase('DONE', icTimeNs + opTimeNs)
    } finally {
      if (!done) say()
    }
  }

  async overload(): Promise<OverloadStatus> {
    return { overloaded: false, outputs: [] }
  }

  async close(): Promise<void> {}
}

function phase(name: DevicePhase, timeNs: number, reason = ''): RunEvent {
  return { kind: 'phase', phase: name, timeNs, reason }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer)
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!signal || signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
