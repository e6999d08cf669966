/** A virtual LUCIDAC inside the test, in real time, that remembers who commanded what and when. */
import { lucidacDescription } from '@lucihub/analog'
import { serveDevice, type DeviceServer } from '@lucihub/device'
import { SimulatedComputer, realTimePace, type Clock } from '@lucihub/simulation'
import { setTimeout } from 'node:timers/promises'

const DRIVING = new Set(['resetCommand', 'configCommand', 'startRunCommand', 'stopRunCommand', 'manualControlCommand'])

export interface Command {
  readonly connection: number
  readonly command: string
  /** Monotonic, ms. */
  readonly at: number
}

export interface Witness {
  readonly mac: string
  readonly server: DeviceServer
  /** Every command that changes what the device does, in order. */
  readonly driving: readonly Command[]
  starts(): number
}

const CLOCK: Clock = { nowMs: () => performance.now(), sleep: (ms) => setTimeout(ms) }

export async function startWitness(mac: string): Promise<Witness> {
  const driving: Command[] = []
  const server = await serveDevice({
    port: 0,
    computer: new SimulatedComputer({ description: lucidacDescription(mac), pace: realTimePace(CLOCK) }),
    onCommand: ({ connection, command }) => {
      if (DRIVING.has(command)) driving.push({ connection, command, at: performance.now() })
    },
  })
  return { mac, server, driving, starts: () => driving.filter(({ command }) => command === 'startRunCommand').length }
}

/** Connections whose commands lie between another connection's first and last: two drivers at once. */
export function overlappingDrivers(commands: readonly Command[]): string[] {
  const spans = new Map<number, { from: number; to: number }>()
  for (const { connection, at } of commands) spans.set(connection, { from: spans.get(connection)?.from ?? at, to: at })
  const ordered = [...spans].sort(([, a], [, b]) => a.from - b.from)
  return ordered.flatMap(([connection, { from }], index) => {
    const before = ordered[index - 1]
    return before && before[1].to > from
      ? [`connection ${connection} drove before connection ${before[0]} had finished`]
      : []
  })
}
