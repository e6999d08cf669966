/**
 * AnalogComputer: the one port that a machine over the wire and the simulation both are.
 * One conformance suite holds for every implementation.
 */
import type { Configuration } from './configuration.ts'
import type { DeviceDescription } from './entity.ts'
import type { HaltCondition } from './halt.ts'
import type { DevicePhase } from './run.ts'
import type { SampleChunk } from './samples.ts'

/** What to do with the loaded configuration. */
export interface RunRequest {
  /** At most 38 characters; comes back with every message of the run. */
  readonly id: string
  readonly icTimeNs: number
  readonly opTimeNs: number
  /** Samples per second and channel. */
  readonly sampleRateHz: number
  readonly haltOnOverload: boolean
  /**
   * What else ends OP, whichever is met first. The simulation watches them itself and gives `haltReason` as the reason
   * of OP_END and DONE; a machine knows only overload, so there the reader of its samples watches them.
   */
  readonly haltConditions?: readonly HaltCondition[]
  /** Also report the final value of every M-block output. */
  readonly finalValues: boolean
}

/** What a run reports, in order; ends with a phase DONE or ERROR. */
export type RunEvent =
  | { readonly kind: 'phase'; readonly phase: DevicePhase; readonly timeNs: number; readonly reason: string }
  | { readonly kind: 'samples'; readonly chunk: SampleChunk }
  /** The device or the network lost chunks `fromChunk` to `toChunk` (exclusive): their samples will not come. */
  | { readonly kind: 'gap'; readonly fromChunk: number; readonly toChunk: number }
  /** Final values of all M-block outputs, index cluster * 16 + clane, machine units. */
  | { readonly kind: 'final'; readonly values: Float32Array }

/** Latched overload flags. `outputs` lists cluster * 16 + clane. */
export interface OverloadStatus {
  readonly overloaded: boolean
  readonly outputs: readonly number[]
}

export interface AnalogComputer {
  describe(): Promise<DeviceDescription>
  /** Clears circuit and overload flags. Idempotent. */
  reset(): Promise<void>
  /** Loads a configuration after a reset. Rejects with a Problem if the device refuses it. */
  configure(configuration: Configuration): Promise<void>
  /** Starts a run and reports it. Aborting the signal stops the device; the events then end early with DONE or ERROR. */
  run(request: RunRequest, signal?: AbortSignal): AsyncIterable<RunEvent>
  overload(): Promise<OverloadStatus>
  close(): Promise<void>
}
