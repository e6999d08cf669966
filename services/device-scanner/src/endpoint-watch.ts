/**
 * Keeps an eye on one endpoint. A look is a light connection of its own with one ping, which every device
 * answers at once, also in the middle of a run; nothing is kept open, so a proxy that serves one client at a
 * time is not blocked. Only when the device may have become another one (the first look, after a failure,
 * after its clock went back) is it asked what it is, and which generation of the protocol it speaks.
 */
import { Logger } from '@nestjs/common'
import { connectComputer, type DeviceIdentity, type FoundDevice, type Generation } from '@lucihub/device'

/** Bound of connecting and of each reply, ms. */
const PROBE_MS = 2000
/** A device is gone after this many failed looks in a row. */
const FAILURES_MAX = 3

export class EndpointWatch {
  private readonly log = new Logger('EndpointWatch')
  private known: DeviceIdentity | null = null
  private failures = 0
  private clockUs = Infinity
  private current = false
  /** What it speaks, while its looks succeed: a device with new firmware was restarted in between. */
  private generation: Generation | null = null
  /** True once it was looked at, with whatever result. */
  looked = false

  /** `candidate` may be replaced by a newer word about the same endpoint. */
  constructor(public candidate: FoundDevice) {}

  /** What answers here; null when nothing does. */
  get identity(): DeviceIdentity | null {
    return this.known
  }

  /** Probes once. Never rejects. */
  async look(): Promise<void> {
    try {
      await this.probe()
      this.failures = 0
    } catch (error) {
      this.failures++
      this.current = false
      this.generation = null
      if (this.failures === 1) this.log.warn(`a look failed: ${error instanceof Error ? error.message : String(error)}`)
      if (this.failures >= FAILURES_MAX) this.known = null
    }
    this.looked = true
  }

  private async probe(): Promise<void> {
    const { host, port } = this.candidate
    const known = this.generation && { generation: this.generation }
    const client = await connectComputer({ host, port }, { timeoutMs: PROBE_MS, busyWaitMs: PROBE_MS, ...known })
    this.generation = client.generation
    try {
      const clockUs = await client.ping()
      if (clockUs < this.clockUs) this.current = false
      this.clockUs = clockUs
      if (this.current) return
      this.known = await client.identify()
      this.current = true
    } finally {
      await client.close()
    }
  }
}
