/** A device that costs nothing: it sends one precomputed chunk again and again, as fast as it is read. */
import {
  BYTES_PER_SAMPLE,
  lucidacDescription,
  sampleCount,
  type AnalogComputer,
  type Configuration,
  type DeviceDescription,
  type OverloadStatus,
  type RunEvent,
  type RunRequest,
  type SampleEncoding,
} from '@lucihub/analog'

const CHUNK = 4096

export class ReplayComputer implements AnalogComputer {
  readonly #description: DeviceDescription
  #blocks: Uint8Array[] = []

  constructor(
    mac: string,
    private readonly encoding: SampleEncoding = 'f32',
  ) {
    this.#description = lucidacDescription(mac)
  }

  async describe(): Promise<DeviceDescription> {
    return this.#description
  }

  async configure({ probes }: Configuration): Promise<void> {
    this.#blocks = probes.map((_, channel) => {
      const wave = (_unused: unknown, i: number): number => Math.sin((i * (channel + 1)) / 500)
      const samples =
        this.encoding === 'f32'
          ? Float32Array.from({ length: CHUNK }, wave)
          : Int16Array.from({ length: CHUNK }, (unused, i) => 8191 * wave(unused, i))
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
          encoding: this.encoding,
          blocks: this.#blocks.map((block) => block.subarray(0, count * BYTES_PER_SAMPLE[this.encoding])),
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
