/** A device that costs nothing: it sends one precomputed chunk again and again, as fast as it is read. */
import {
  lucidacDescription,
  sampleCount,
  type AnalogComputer,
  type Configuration,
  type DeviceDescription,
  type OverloadStatus,
  type RunEvent,
  type RunRequest,
} from '@lucihub/analog'

const CHUNK = 4096

export class ReplayComputer implements AnalogComputer {
  readonly #description: DeviceDescription
  #blocks: Uint8Array[] = []

  constructor(mac: string) {
    this.#description = lucidacDescription(mac)
  }

  async describe(): Promise<DeviceDescription> {
    return this.#description
  }

  async configure({ probes }: Configuration): Promise<void> {
    this.#blocks = probes.map((_, channel) => {
      const samples = Float32Array.from({ length: CHUNK }, (_unused, i) => Math.sin((i * (channel + 1)) / 500))
      return new Uint8Array(samples.buffer)
    })
  }

  async *run({ icTimeNs, opTimeNs, sampleRateHz }: RunRequest, signal?: AbortSignal): AsyncGenerator<RunEvent> {
    const phase = (name: 'TAKE_OFF' | 'IC' | 'OP' | 'OP_END' | 'DONE', timeNs: number): RunEvent => ({
      kind: 'phase',
      phase: name,
      timeNs,
      reason: '',
    })
    yield phase('TAKE_OFF', 0)
    yield phase('IC', 0)
    yield phase('OP', icTimeNs)
    const total = sampleCount(opTimeNs, sampleRateHz)
    for (let firstIndex = 0; firstIndex < total && !signal?.aborted; firstIndex += CHUNK) {
      const count = Math.min(CHUNK, total - firstIndex)
      yield {
        kind: 'samples',
        chunk: {
          firstIndex,
          count,
          encoding: 'f32',
          blocks: this.#blocks.map((block) => block.subarray(0, count * 4)),
        },
      }
    }
    yield phase('OP_END', icTimeNs + opTimeNs)
    yield phase('DONE', icTimeNs + opTimeNs)
  }

  async reset(): Promise<void> {}

  async overload(): Promise<OverloadStatus> {
    return { overloaded: false, outputs: [] }
  }

  async close(): Promise<void> {}
}
