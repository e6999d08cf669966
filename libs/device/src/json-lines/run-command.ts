/** A start_run message, and what this generation can run at all, judged before it is asked. */
import { ADC_CHANNELS, Problem, type RunRequest, type Violation } from '@lucihub/analog'
import type { Fields } from './replies.ts'

/** Samples per second of all channels together. */
export const TOTAL_RATE_HZ_MAX = 1_000_000
/** Rates are this divided by a whole number, 1/s. */
export const RATE_BASE_HZ = 1_000_000

/** Channels that a device samples for so many that are wanted: a power of two, or none. */
export function channelsTaken(wanted: number): number {
  return wanted === 0 ? 0 : Math.min(ADC_CHANNELS, 2 ** Math.ceil(Math.log2(wanted)))
}

/** Throws a Problem `validation-failed` when this generation cannot sample so. */
export function assertRate({ sampleRateHz }: RunRequest, channels: number): void {
  const violations: Violation[] = []
  const taken = channelsTaken(channels)
  const rateMax = Math.floor(TOTAL_RATE_HZ_MAX / Math.max(1, taken))
  const add = (message: string, remedy: string): void =>
    void violations.push({ pointer: '/sampleRateHz', value: String(sampleRateHz), message, remedy })
  if (channels > 0 && RATE_BASE_HZ % sampleRateHz !== 0)
    add('is no divisor of 1000000', `use ${divisorBelow(sampleRateHz)}`)
  if (sampleRateHz > rateMax) add(`is too fast for ${taken} channels`, `use at most ${rateMax}`)
  if (violations.length > 0)
    throw new Problem('validation-failed', 'A device of the JSON-lines generation cannot do this run.', { violations })
}

function divisorBelow(rateHz: number): number {
  let parts = Math.max(1, Math.ceil(RATE_BASE_HZ / rateHz))
  while (RATE_BASE_HZ % parts !== 0) parts += 1
  return RATE_BASE_HZ / parts
}

/** What starts this run, with so many channels configured. */
export function startMessage(request: RunRequest, channels: number): Fields {
  return {
    id: request.id,
    session: null,
    config: {
      ic_time: request.icTimeNs,
      op_time: request.opTimeNs,
      halt_on_overload: request.haltOnOverload,
      streaming: true,
      repetitive: false,
      write_run_state_changes: true,
      calibrate: false,
      unlimited_op_time: false,
    },
    daq_config: {
      num_channels: channelsTaken(channels),
      sample_rate: request.sampleRateHz,
      sample_op: channels > 0,
      sample_op_end: request.finalValues,
    },
    clear_queue: false,
    end_repetitive: false,
  }
}
