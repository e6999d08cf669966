/** What is common to the clients of both generations. */
import type { AnalogComputer } from '@lucihub/analog'
import type { ClientStatistics, DeviceIdentity } from '../client/device-client.ts'

/** Which protocol a device speaks. `json-lines`: firmware up to 1.x. */
export const GENERATIONS = ['protobuf', 'json-lines'] as const
export type Generation = (typeof GENERATIONS)[number]

/** A connected device, of whichever generation. */
export interface ConnectedComputer extends AnalogComputer {
  readonly generation: Generation
  /**
   * The step between two values that a sample can have on the wire, machine units; a sample is off by half of it. 0
   * where samples travel as the device holds them.
   */
  readonly resolution: number
  /** The device's clock in µs; 0 where it tells none. */
  ping(): Promise<number>
  identify(): Promise<DeviceIdentity>
  statistics(): Pick<ClientStatistics, 'foreignFrames' | 'peakQueueBytes'>
}
