/** What a device is asked besides runs: who it is, how it fares, how warm it is; to calibrate, to rest, to be held by hand. */
import { anabrid } from '../wire/messages.ts'
import type { Session } from './session.ts'

/** What a device knows about itself and its program. */
export interface SystemIdent {
  /** As the device spells it. */
  readonly mac: string
  /** Facts about the firmware's build, as the device names them. */
  readonly build: Readonly<Record<string, string>>
  readonly image: { readonly bytes: number; readonly sha256: string }
}

/** Since the device was started. */
export interface RunCounters {
  readonly icTimeUs: number
  readonly opTimeUs: number
  readonly haltTimeUs: number
  readonly runs: number
}

/** One sensor. The numbers of units are not published; the value is as the device sent it. */
export interface Temperature {
  readonly entity: string
  readonly value: number
  readonly unit: number
}

/** Which parts of the machine are to calibrate themselves. */
export interface CalibrationSteps {
  readonly math?: boolean
  readonly gain?: boolean
  readonly offset?: boolean
}

export type ManualMode = 'IC' | 'OP' | 'HALT' | 'MINION'

/** Commands that need no configuration. All reject with a Problem as every command does. */
export interface DeviceMaintenance {
  systemIdent(): Promise<SystemIdent>
  /** The device's log, oldest first; empty when it keeps none. */
  systemLog(): Promise<readonly string[]>
  runCounters(): Promise<RunCounters>
  temperatures(): Promise<readonly Temperature[]>
  /** Resolves when the machine has calibrated itself, within 10 s. */
  calibrate(steps: CalibrationSteps): Promise<void>
  /** Holds the machine in a mode, without a run. */
  manual(mode: ManualMode): Promise<void>
  /** Lets the machine rest, or wakes it. */
  standBy(state: 'rest' | 'awake'): Promise<void>
}

/** Of a calibration, which takes longer than any other command; the vendor's own bound. */
const CALIBRATION_MS = 10_000

export function maintenanceOf(session: Session): DeviceMaintenance {
  const step = (wanted = false) => (wanted ? anabrid.CalibrationConfig.Step.ENABLED : null)
  return {
    systemIdent: async () => {
      const { mac, fwBuild, fwImage } = await session.request({ getSystemIdentCommand: {} }, 'getSystemIdentResponse')
      return {
        mac,
        build: { ...fwBuild?.entries },
        image: { bytes: fwImage?.size ?? 0, sha256: Buffer.from(fwImage?.sha256sum ?? []).toString('hex') },
      }
    },
    systemLog: async () => (await session.request({ syslogCommand: {} }, 'syslogResponse')).entries,
    runCounters: async () => {
      const { perfCounters } = await session.request({ systemStatsCommand: {} }, 'systemStatsResponse')
      return {
        icTimeUs: perfCounters?.totalIcTimeUs ?? 0,
        opTimeUs: perfCounters?.totalOpTimeUs ?? 0,
        haltTimeUs: perfCounters?.totalHaltTimeUs ?? 0,
        runs: perfCounters?.totalNumberOfRuns ?? 0,
      }
    },
    temperatures: async () => {
      const { dataset } = await session.request({ readTemperatureCommand: {} }, 'readTemperatureResponse')
      return (dataset?.measurements ?? []).map(({ entity, temperature }) => ({
        entity: (entity?.path ?? '').replace(/^\//, ''),
        value: temperature?.value ?? 0,
        unit: temperature?.unit ?? 0,
      }))
    },
    calibrate: async ({ math, gain, offset }) => {
      const config = { math: step(math), gain: step(gain), offset: step(offset) }
      await session.request({ calibrationCommand: { config } }, 'calibrationResponse', { timeoutMs: CALIBRATION_MS })
    },
    manual: async (mode) => {
      const to = anabrid.ManualControlCommand.To[mode] || null
      await session.request({ manualControlCommand: { to } }, 'successMessage')
    },
    standBy: async (state) => {
      await session.request({ standByCommand: { standby: state === 'rest' || null } }, 'successMessage')
    },
  }
}
