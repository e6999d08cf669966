/** What the devices saw: I4 and I5. */
import type { CommandLine } from '../device-log.ts'
import type { Change } from './audit.ts'
import { disturbed, type Facts } from './facts.ts'
import { violation, type Violation } from './violation.ts'

const DRIVING = new Set(['resetCommand', 'configCommand', 'startRunCommand', 'stopRunCommand', 'manualControlCommand'])
/** Of the way to the device on a machine that is busy, ms: a lease that is not looked at is missed by seconds. */
const TOLERANCE_MS = 500

export function checkDevices(facts: Facts): Violation[] {
  const devices = [...new Set(facts.commands.map(({ device }) => device))]
  return [
    ...checkStarts(facts),
    ...checkLeases(facts.changes),
    ...devices.flatMap((device) => checkDrivers(facts, device)),
  ]
}

function checkStarts({ commands, attemptOf, attempts }: Facts): Violation[] {
  const starts = new Map<string, number>()
  for (const { command, runId } of commands)
    if (command === 'startRunCommand') starts.set(runId, (starts.get(runId) ?? 0) + 1)
  return [
    ...[...starts]
      .filter(([, times]) => times > 1)
      .map(([id, times]) => violation('I4', `the device run ${id} was started ${times} times`)),
    // Probes have attempts of their own, which are not ours to judge: their starts come after the healing.
    ...attempts
      .filter(({ device_run_id, state }) => state === 'ABORTED' && device_run_id && starts.has(device_run_id))
      .map(({ run_id, number }) =>
        violation('I4', `attempt ${run_id}/${number} says that nothing was started, and it was`),
      ),
    ...[...starts.keys()]
      .filter((id) => !attemptOf.has(id))
      .map((id) => violation('I4', `the device run ${id} was started, and no attempt is known under it`)),
  ]
}

/** The epoch never falls, and rises whenever the holder changes or the lease had run out. */
function checkLeases(changes: readonly Change[]): Violation[] {
  return changes.flatMap(({ what, device_id, old_epoch, epoch, old_boot, boot, oldExpiresMs, atMs }) => {
    if (what !== 'lease' || old_epoch === null || epoch === null) return []
    if (epoch < old_epoch) return [violation('I5', `the epoch of ${device_id} fell from ${old_epoch} to ${epoch}`)]
    if (epoch > old_epoch) return []
    if (old_boot !== boot) return [violation('I5', `${device_id} changed hands under epoch ${epoch}`)]
    return (oldExpiresMs ?? Infinity) < atMs - 1_000
      ? [violation('I5', `${device_id} was renewed under epoch ${epoch} after its lease had run out`)]
      : []
  })
}

interface Drive {
  readonly connection: string
  readonly epoch: number | null
  readonly from: number
  readonly to: number
  readonly commands: readonly CommandLine[]
}

function checkDrivers(facts: Facts, device: string): Violation[] {
  const driving = facts.commands.filter((line) => line.device === device && DRIVING.has(line.command))
  const byConnection = new Map<string, CommandLine[]>()
  for (const line of driving) byConnection.set(line.connection, [...(byConnection.get(line.connection) ?? []), line])
  const drives = [...byConnection].map(([connection, commands]): Drive => {
    const epochs = commands.flatMap(({ runId }) => facts.attemptOf.get(runId)?.epoch ?? [])
    const times = commands.map(({ at }) => at)
    return {
      connection,
      epoch: epochs.length > 0 ? Math.max(...epochs) : null,
      from: Math.min(...times),
      to: Math.max(...times),
      commands,
    }
  })
  drives.sort((a, b) => a.from - b.from)
  const overlaps = drives.flatMap((drive, index) =>
    drives
      .slice(0, index)
      .filter((earlier) => earlier.to > drive.from)
      .map((earlier) =>
        violation(
          'I5',
          `${device}: connection ${drive.connection} (epoch ${drive.epoch}) drove before ${earlier.connection} (epoch ${earlier.epoch}) had finished`,
        ),
      ),
  )
  let highest = 0
  const stale = drives.flatMap(({ epoch }) => {
    if (epoch === null) return []
    const before = highest
    highest = Math.max(highest, epoch)
    return epoch < before ? [violation('I5', `${device} was driven under epoch ${epoch} after epoch ${before}`)] : []
  })
  return [...overlaps, ...stale, ...drives.flatMap((drive) => checkDeadline(facts, device, drive))]
}

/** No command after the lease it was given under had run out, unless the way to the device held it up. */
function checkDeadline(facts: Facts, device: string, { epoch, commands }: Drive): Violation[] {
  if (epoch === null) return []
  const expiries = facts.changes.filter(
    (change) => change.what === 'lease' && change.device_id === device && change.epoch === epoch,
  )
  const expiresMs = Math.max(...expiries.map((change) => change.expiresMs ?? 0))
  if (expiries.length === 0) return []
  return commands
    .filter(({ wallMs }) => wallMs > expiresMs + TOLERANCE_MS)
    .filter(
      ({ wallMs }) =>
        !disturbed(facts, {
          fromMs: expiresMs,
          toMs: wallMs,
          by: (kind, target) => target === 'devices' || (target.startsWith('executor-') && kind !== 'half-open'),
        }),
    )
    .map(({ command, wallMs }) =>
      violation(
        'I5',
        `${device} got ${command} under epoch ${epoch}, ${Math.round(wallMs - expiresMs)} ms after the lease had run out`,
      ),
    )
}
