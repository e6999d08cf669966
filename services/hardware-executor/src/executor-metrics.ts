/** What an executor counts. */
import { counter, gauge } from '@lucihub/service-kit'

export const attemptsEnded = counter('lucihub_executor_attempts_total', 'Attempts ended, by outcome', ['outcome'])
export const samplesRead = counter('lucihub_executor_samples_total', 'Samples read from devices, all channels')
export const recordsResent = counter(
  'lucihub_executor_records_resent_total',
  'Journal records sent again because the run-store missed them',
)
export const journalBytes = gauge(
  'lucihub_executor_journal_bytes',
  'Bytes of journal that the run-store has not confirmed',
)
export const devicesLeased = gauge('lucihub_executor_devices_leased', 'Devices under lease')
