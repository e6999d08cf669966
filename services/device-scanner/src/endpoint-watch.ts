/**
 * Keeps an eye on one endpoint. A look is a light connection of its own with one ping, which every device
 * answers at once, also in the middle of a run; nothing is kept open, so a proxy that serves one client at a
 * time is not blocked. Only when the device may have become another one (the first look, after a failure,
 * after its clock went back) is it asked what it is, and which generation of the protocol it speaks.
 */
import { lookup } from 'node:dns/promises'
import { Logger } from '@nestjs/common'
import { connectComputer, probe, type Generation, type ProbedDevice } from '@lucihub/device'
import type { Candidate } from './candidate.ts'

/** Bound of connecting and of each reply, ms. */
const PROBE_MS = 2000
/** Bound of a whole look, ms: whoever answers drop by drop occupies nobody for longer. */
const LOOK_MS = 20_000
/** A device is gone after this many failed looks in a row. */
const FAILURES_MAX = 3

/** What answers at an endpoint. */
export interface Answering extends ProbedDevice {
  /** The IP address behind the endpoint's host. */
  readonly address: string
}

export class EndpointWatch {
  private readonly log = new Logger('EndpointWatch')
  private known: Answering | null = null
  private failures = 0
  private clockUs = Infinity
  private current = false
  /** What it speaks, while its looks succeed: a device with new firmware was restarted in between. */
  private generation: Generation | null = null
  /** True once it was looked at, with whatever result. */
  looked = false

  /** `candidate` may be replaced by a newer word about the same endpoint. */
  constructor(public candidate: Candidate) {}

  /** What answers here; null when nothing does. */
  get identity(): Answering | null {
    return this.known
  }

  /** Probes once. Never rejects. */
  async look(): Promise<void> {
    try {
      await withinLook(this.probe())
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
    const { generation } = client
    this.generation = generation
    try {
      const clockUs = await client.ping()
      if (clockUs < this.clockUs) this.current = false
      this.clockUs = clockUs
    } finally {
      await client.close()
    }
    if (this.current) return
    const { address } = await lookup(host)
    this.known = { ...(await probe({ host, port }, { timeoutMs: PROBE_MS, generation })), address }
    this.current = true
  }
}

async function withinLook(look: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${LOOK_MS} ms`)), LOOK_MS)
  })
  try {
    await Promise.race([look, late])
  } finally {
    clearTimeout(timer)
  }
}
