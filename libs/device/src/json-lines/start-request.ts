/** A start_run message, judged by the bounds of a device of this generation. */
import { ADC_CHANNELS, Problem, RUN_LIMITS } from '@lucihub/analog'
import { RUN_ID_LENGTH_MAX } from '../client/run-bounds.ts'
import { objectOf, type Fields } from './replies.ts'
import { RATE_BASE_HZ, TOTAL_RATE_HZ_MAX } from './run-command.ts'
import type { LineRun } from './run-lines.ts'

/** What one of the suffixes of a time is, ns. */
const UNITS_NS = [
  ['', 1],
  ['_ns', 1],
  ['_us', 1e3],
  ['_ms', 1e6],
] as const

/** Reads a message of the connection `starter`. Throws a Problem `invalid-request` that says what a device would not run. */
export function lineRunOf(msg: Fields, starter: number): LineRun {
  const { id } = msg
  if (typeof id !== 'string' || id === '' || id.length > RUN_ID_LENGTH_MAX)
    throw refused(`The id of a run has 1 to ${RUN_ID_LENGTH_MAX} characters.`)
  const config = objectOf(msg['config']) ?? {}
  const daq = objectOf(msg['daq_config']) ?? {}
  if (config['repetitive'] === true) throw refused('Repetitive runs are not supported.')
  if (config['unlimited_op_time'] === true) throw refused('Runs without an end are not supported.')
  const { channels, sampleRateHz } = sampling(daq)
  return {
    starter,
    request: {
      id,
      icTimeNs: time('ic_time', config, RUN_LIMITS.icTimeNs),
      opTimeNs: time('op_time', config, RUN_LIMITS.opTimeNs),
      sampleRateHz,
      haltOnOverload: config['halt_on_overload'] !== false,
      // The device holds them after the run, whether they are asked for now or later.
      finalValues: true,
    },
    channels,
    finalValues: daq['sample_op_end'] === true,
  }
}

function sampling(daq: Fields): { channels: number; sampleRateHz: number } {
  const { num_channels: channels = 0, sample_rate: rateHz = RUN_LIMITS.sampleRateHz.default, sample_op: wanted } = daq
  if (wanted === false || channels === 0) return { channels: 0, sampleRateHz: RUN_LIMITS.sampleRateHz.default }
  if (typeof channels !== 'number' || ![1, 2, 4, ADC_CHANNELS].includes(channels))
    throw refused(`num_channels is ${String(channels)}; it must be 1, 2, 4 or ${ADC_CHANNELS}.`)
  const { min } = RUN_LIMITS.sampleRateHz
  if (typeof rateHz !== 'number' || !(rateHz >= min) || RATE_BASE_HZ % rateHz !== 0)
    throw refused(`sample_rate is ${String(rateHz)}; it must be a divisor of ${RATE_BASE_HZ}, at least ${min}.`)
  if (rateHz * channels > TOTAL_RATE_HZ_MAX)
    throw refused(`${channels} channels at ${rateHz} Hz are more than ${TOTAL_RATE_HZ_MAX} samples per second.`)
  return { channels, sampleRateHz: rateHz }
}

function time(name: string, config: Fields, { min, max }: { readonly min: number; readonly max: number }): number {
  const given = UNITS_NS.find(([suffix]) => config[`${name}${suffix}`] !== undefined)
  const value = given && config[`${name}${given[0]}`]
  const ns = typeof value === 'number' ? Math.round(value * (given?.[1] ?? 1)) : NaN
  if (ns >= min && ns <= max) return ns
  throw refused(`${name} is ${String(value)}; it must be ${min} to ${max} ns.`)
}

function refused(detail: string): Problem {
  return new Problem('invalid-request', detail)
}
