/**
 * One physical run: configure, start, record what the device reports, and judge how it ended. The outcome
 * is a value; nothing is thrown to the caller, whatever the device does.
 */
import { Logger } from '@nestjs/common'
import {
  Problem,
  sampleCount,
  type AnalogComputer,
  type Configuration,
  type HaltCondition,
  type RunEvent,
  type RunRequest,
  type SampleChunk,
} from '@lucihub/analog'
import { configurationFromProto, haltFromProto } from '@lucihub/contracts'
import { crashPoint } from '@lucihub/service-kit'
import type { Attempt } from './attempt.ts'
import type { AttemptJournal, Conclusion } from './attempt-journal.ts'
import { samplesRead } from './executor-metrics.ts'
import { haltWatch, wallClockOf } from './halt-watch.ts'
import { verdict, type DeviceReport, type Verdict } from './verdict.ts'

/** How long a device may be silent beyond the run's own length, ms. */
const SILENCE_MS = 10_000
/** How long a stopped device may go on before it is left alone, ms. */
const STOP_WAIT_MS = 1000
/** Longest time that a timer can wait, ms: no run takes as long. */
const TIMER_MAX_MS = 2 ** 31 - 1

const log = new Logger('AttemptRun')

export interface AttemptRun {
  readonly attempt: Attempt
  readonly deviceRunId: string
  readonly journal: AttemptJournal
  /** The device, taken over. */
  connect(): Promise<AnalogComputer>
  /** True while the device still answers on its connection. */
  answers(): Promise<boolean>
  /** Throws when the next command may not be sent; called immediately before each. */
  permit(): void
}

/** What is known of the run so far. */
interface Recording extends DeviceReport {
  /** The start command may have been written. */
  started: boolean
  finalValues: readonly number[]
}

const NOTHING_YET: Recording = {
  finalValues: [],
  overloads: [],
  gaps: 0,
  error: null,
  done: false,
  started: false,
  halted: null,
}

/** How a run ended, and whether its device has said that it is at rest: then its connection is as good as before. */
export interface Performance {
  readonly conclusion: Conclusion
  readonly atRest: boolean
}

/** Runs the attempt on its device and says how it ended. Never rejects. */
export async function perform(run: AttemptRun): Promise<Performance> {
  const recording: Recording = { ...NOTHING_YET }
  const ended = await conclude(run, recording).catch(
    async (error: unknown) => run.attempt.stop ?? failure(error, { there: await run.answers() }),
  )
  const { started, overloads, finalValues, done, error } = recording
  const conclusion = { ...ended, started, overloads, finalValues }
  return { conclusion, atRest: ended.outcome === 'ok' || ended.outcome === 'incomplete' || (done && error === null) }
}

async function conclude(run: AttemptRun, recording: Recording): Promise<Verdict> {
  const { attempt, journal, permit } = run
  const spec = specOf(attempt)
  permit()
  const computer = await unlessStopped(attempt, run.connect())
  permit()
  await unlessStopped(attempt, computer.reset())
  permit()
  await unlessStopped(attempt, computer.configure(spec.configuration))
  journal.lines(summaryOf(spec))
  await journal.startIntent()
  crashPoint('start-intent-synced')
  permit()
  recording.started = true
  await record(run, computer, recording)
  crashPoint('device-done')
  const complete = recording.done && journal.samplesPerChannel >= spec.samples
  if (attempt.stop && !complete) return attempt.stop
  if (recording.done) recording.overloads = await readOverloads(run, computer)
  return verdict(recording, { ...spec, arrived: journal.samplesPerChannel })
}

/** What was loaded and is about to start, for the run's log. */
function summaryOf({ configuration, opTimeNs, sampleRateHz }: ReadSpec): string {
  const clusters = configuration.carriers.flatMap((carrier) => carrier.clusters)
  const lanes = clusters.reduce((sum, cluster) => sum + cluster.lanes.length, 0)
  return `Configured ${lanes} lanes and ${configuration.probes.length} channels; op time ${opTimeNs / 1e6} ms at ${sampleRateHz} samples/s.`
}

/** Writes down what the device reports until it is done, falls silent, or does not stop when told to. */
async function record(run: AttemptRun, computer: AnalogComputer, recording: Recording): Promise<void> {
  const spec = specOf(run.attempt)
  const { opTimeNs, icTimeNs } = spec
  const attempt = run.attempt.signal
  // Not AbortSignal.any: what it makes may be collected while somebody still listens, and then a stop is never heard.
  const stopping = new AbortController()
  const { signal } = stopping
  const onAttemptStop = () => stopping.abort()
  if (attempt.aborted) stopping.abort()
  else attempt.addEventListener('abort', onAttemptStop)
  const watch = watchOf(spec, (condition) => {
    recording.halted ??= condition
    stopping.abort()
  })
  const silence = patienceOf((opTimeNs + icTimeNs) / 1e6 + SILENCE_MS, 'The device fell silent during the run.')
  const stop = patienceOf(STOP_WAIT_MS, 'The device did not stop.')
  silence.begin()
  const onStop = () => stop.begin()
  signal.addEventListener('abort', onStop)
  try {
    const events = computer.run(requestOf(run, spec), signal)
    const recorded = recordAll(run, events, { recording, watch, heard: silence.begin })
    await Promise.race([silence.exhausted, stop.exhausted, recorded])
  } finally {
    watch.end()
    attempt.removeEventListener('abort', onAttemptStop)
    signal.removeEventListener('abort', onStop)
    silence.end()
    stop.end()
  }
}

async function recordAll(
  run: AttemptRun,
  events: AsyncIterable<RunEvent>,
  { recording, watch, heard }: { recording: Recording; watch: StreamWatch; heard(): void },
): Promise<void> {
  const { journal } = run
  for await (const event of events) {
    heard()
    switch (event.kind) {
      case 'phase':
        journal.phase(event)
        if (event.phase === 'OP') watch.begin()
        if (event.phase === 'DONE') recording.done = true
        if (event.phase === 'ERROR') recording.error = event.reason || 'The device reported an error without a reason.'
        break
      case 'samples':
        journal.samples(event.chunk)
        watch.samples(event.chunk)
        crashPoint('first-samples-recorded')
        samplesRead.inc(event.chunk.count * event.chunk.blocks.length)
        await stopWithoutRoom(run)
        break
      case 'gap':
        recording.gaps += event.toChunk - event.fromChunk
        journal.gap(event)
        break
      case 'final':
        recording.finalValues = [...event.values]
        break
      default:
        event satisfies never
    }
  }
  journal.flush()
}

interface StreamWatch {
  /** OP has begun. */
  begin(): void
  samples(chunk: SampleChunk): void
  end(): void
}

/** Calls `met` with every condition that the samples or the clock meet. */
function watchOf(spec: ReadSpec, met: (condition: HaltCondition) => void): StreamWatch {
  const { halt } = spec
  const watch = haltWatch(halt, spec)
  const clock = wallClockOf(halt)
  let timer: NodeJS.Timeout | undefined
  return {
    begin: () => {
      if (clock) timer = setTimeout(() => met(clock), Math.min(clock.limitMs, TIMER_MAX_MS))
    },
    samples: (chunk) => {
      const condition = watch.samples(chunk)
      if (condition) met(condition)
    },
    end: () => clearTimeout(timer),
  }
}

async function stopWithoutRoom({ attempt, journal }: AttemptRun): Promise<void> {
  const stop = await journal.room()
  if (stop) attempt.halt(stop)
}

/** The latched flags, if they can still be read: a finished run is not thrown away for want of them. */
async function readOverloads(
  { attempt, journal, permit }: AttemptRun,
  computer: AnalogComputer,
): Promise<readonly number[]> {
  try {
    permit()
    return (await unlessStopped(attempt, computer.overload())).outputs
  } catch (error) {
    journal.lines(`The overload flags could not be read: ${Problem.from(error).message}`)
    return []
  }
}

/** What an exception says about the device: it refused the request, it misbehaves, or it is not there any more. */
function failure(error: unknown, { there }: { readonly there: boolean }): Verdict {
  const problem = Problem.from(error)
  if (problem.type === 'internal') log.error(problem.cause)
  const refused = problem.type === 'validation-failed' || problem.type === 'invalid-request'
  return { outcome: refused ? 'rejected' : there ? 'device_error' : 'device_lost', reason: problem.message }
}

interface ReadSpec {
  readonly configuration: Configuration
  readonly icTimeNs: number
  readonly opTimeNs: number
  readonly sampleRateHz: number
  readonly haltOnOverload: boolean
  readonly acceptGaps: boolean
  readonly halt: readonly HaltCondition[]
  /** Samples per channel to expect; 0 without a channel. */
  readonly samples: number
}

function specOf({ command: { spec } }: Attempt): ReadSpec {
  if (!spec?.configuration) throw new Problem('invalid-request', 'The command has no configuration.')
  const { icTimeNs, opTimeNs, sampleRateHz, acceptGaps } = spec
  const halt = spec.halt.map(haltFromProto)
  const haltOnOverload = spec.haltOnOverload || halt.some(({ kind }) => kind === 'overload')
  const samples = spec.configuration.probes.length > 0 ? sampleCount(opTimeNs, sampleRateHz) : 0
  return {
    configuration: configurationFromProto(spec.configuration),
    icTimeNs,
    opTimeNs,
    sampleRateHz,
    haltOnOverload,
    acceptGaps,
    halt,
    samples,
  }
}

function requestOf(
  { deviceRunId }: AttemptRun,
  { icTimeNs, opTimeNs, sampleRateHz, haltOnOverload }: ReadSpec,
): RunRequest {
  return { id: deviceRunId, icTimeNs, opTimeNs, sampleRateHz, haltOnOverload, finalValues: true }
}

/** The result of `work`, or a rejection as soon as the attempt is stopped. */
async function unlessStopped<T>({ signal }: Attempt, work: Promise<T>): Promise<T> {
  let onStop = (): void => undefined
  const stopped = new Promise<never>((_, reject) => {
    onStop = () => reject(new Problem('unavailable', 'The attempt was stopped.'))
    signal.addEventListener('abort', onStop)
  })
  try {
    return await Promise.race([stopped, work])
  } finally {
    signal.removeEventListener('abort', onStop)
  }
}

interface Patience {
  /** Starts the time, or starts it anew. */
  begin(): void
  end(): void
  /** Rejects with `timeout` when the time is over. */
  readonly exhausted: Promise<never>
}

function patienceOf(ms: number, detail: string): Patience {
  let timer: NodeJS.Timeout | undefined
  let exhaust = (): void => undefined
  const exhausted = new Promise<never>((_, reject) => (exhaust = () => reject(new Problem('timeout', detail))))
  return {
    exhausted,
    begin: () => {
      clearTimeout(timer)
      timer = setTimeout(exhaust, ms)
    },
    end: () => clearTimeout(timer),
  }
}
