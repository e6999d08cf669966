/** A start_run command, judged by the bounds of a device. */
import { Problem, RUN_LIMITS, type RunRequest } from '@lucihub/analog'
import { RUN_ID_LENGTH_MAX } from '../client/run-bounds.ts'
import { decodeTime } from '../codec/time.ts'
import type { anabrid, Received } from '../wire/messages.ts'

/** What a client asked for: the run, and which of its reports it wants. */
export interface RunToStart {
  readonly request: RunRequest
  readonly samples: boolean
  /** False: only the last phase is reported. */
  readonly phases: boolean
  /** Again and again, until stopped or told that a repetition is the last. */
  readonly repetitive: boolean
}

/** Reads a command. Throws a Problem `invalid-request` that says what a device would not run. */
export function runRequestOf({ run, runConfig, daqConfig }: Received<anabrid.StartRunCommand.$Properties>): RunToStart {
  const id = run?.id ?? ''
  if (id === '' || id.length > RUN_ID_LENGTH_MAX) {
    throw new Problem('invalid-request', `The id of a run has 1 to ${RUN_ID_LENGTH_MAX} characters.`)
  }
  const opTimeNs = bounded('op_time', decodeTime(runConfig?.opTime), 'ns', RUN_LIMITS.opTimeNs)
  const icTimeNs = bounded('ic_time', decodeTime(runConfig?.icTime), 'ns', RUN_LIMITS.icTimeNs)
  const samples = daqConfig?.sampleOp === true
  const sampleRateHz = samples
    ? bounded('sample_rate', daqConfig.sampleRate, 'Hz', RUN_LIMITS.sampleRateHz)
    : RUN_LIMITS.sampleRateHz.default
  return {
    request: {
      id,
      icTimeNs,
      opTimeNs,
      sampleRateHz,
      haltOnOverload: runConfig?.haltOnOverload !== false,
      finalValues: daqConfig?.sampleOpEnd === true,
    },
    samples,
    phases: runConfig?.writeRunStateChanges !== false,
    repetitive: runConfig?.repetitive === true,
  }
}

function bounded(name: string, value: number, unit: string, { min, max }: { min: number; max: number }): number {
  if (value >= min && value <= max) return value
  throw new Problem('invalid-request', `${name} is ${value} ${unit}; it must be ${min} to ${max} ${unit}.`)
}
