/** The process that hosts the devices: started, stopped, frozen and killed by the harness like any other. */
import { serveDevice } from '@lucihub/device'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { monotonicMs, write } from './device-log.ts'
import { FormulaComputer, MISBEHAVIOURS, type Misbehaviour } from './formula-computer.ts'

/** The one argument, as JSON. */
export interface DeviceHost {
  readonly devices: readonly { readonly mac: string; readonly port: number }[]
  readonly logFile: string
  /** Holds, per MAC address, how that device misbehaves now. */
  readonly misbehaviourFile: string
}

const { devices, logFile, misbehaviourFile } = JSON.parse(process.argv[2] ?? '{}') as DeviceHost
const life = randomUUID().slice(0, 8)
const moment = (device: string) => ({ at: monotonicMs(), wallMs: Date.now(), device })

write(logFile, { kind: 'boot', at: monotonicMs(), wallMs: Date.now() })
for (const { mac, port } of devices) {
  await serveDevice({
    port,
    computer: new FormulaComputer(mac, {
      misbehaviour: () => misbehaviourOf(mac),
      report: (report) => write(logFile, { kind: 'run', ...moment(mac), ...report }),
    }),
    onCommand: ({ connection, command, message }) =>
      write(logFile, {
        kind: 'command',
        ...moment(mac),
        connection: `${life}/${mac}/${connection}`,
        command,
        runId: message?.startRunCommand?.run?.id ?? '',
      }),
  })
}

function misbehaviourOf(mac: string): Misbehaviour | null {
  try {
    const word = (JSON.parse(readFileSync(misbehaviourFile, 'utf8')) as Record<string, string>)[mac]
    return MISBEHAVIOURS.find((known) => known === word) ?? null
  } catch {
    return null // Not written yet, or being written just now.
  }
}
