/** One way to a device, whichever generation it is. */
import { connectDevice, type ConnectOptions } from '../client/device-client.ts'
import { connectJsonLines, type JsonLinesOptions } from '../json-lines/client.ts'
import type { ConnectedComputer } from './computer.ts'
import { generationAt, type Endpoint, type ProbeOptions } from './probe.ts'

/** Of both generations; each takes what it knows. */
export type ComputerOptions = Omit<ConnectOptions, 'host' | 'port'> &
  Omit<JsonLinesOptions, 'host' | 'port'> &
  Pick<ProbeOptions, 'generation'>

/**
 * Connects to a device. Without `generation` it is found out first, on a connection of its own. Rejects with Problem
 * `device-failed` when nobody listens there, or nobody who speaks a protocol of devices.
 */
export async function connectComputer(endpoint: Endpoint, options: ComputerOptions = {}): Promise<ConnectedComputer> {
  const { generation: known, ...settings } = options
  const generation = known ?? (await generationAt(endpoint, settings))
  if (generation === 'json-lines') return connectJsonLines({ ...settings, ...endpoint })
  const client = await connectDevice({ ...settings, ...endpoint })
  return { ...client, generation, resolution: 0 }
}
