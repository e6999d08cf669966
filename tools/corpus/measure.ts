/**
 * What the corpus shows: a program is compiled, the *circuit* is simulated, and the result is compared with the
 * *equations*, integrated directly. The two share nothing behind the checker.
 */
import {
  invariant,
  samplesOf,
  violationsOf,
  type Compilation,
  type CompileReport,
  type Configuration,
  type Diagnostic,
  type DeviceSpecification,
  type SampleChunk,
} from '@lucihub/analog'
import { compile, solve } from '@lucihub/analang'
import { circuitModel, compareRuns, operate, type Comparison } from '@lucihub/simulation'
import { DEVICES, smallerThan, type DeviceName, type Entry } from './entry.ts'

/** Largest error that counts as the same, relative to full scale. */
export const TOLERANCE = 1e-3
/**
 * Of the equations, solved once more: ten times less accurate than the solution that circuits are compared with. How
 * soon so small an error matters says how long two solutions of a chaotic system can agree.
 */
const COARSE_RTOL = 1e-8
/** Of the simulated circuit: tight, so that the solutions of a chaotic system stay together for long. */
const TOLERANCES = { rtol: 1e-10, atol: 1e-12 }

export interface Result {
  readonly entry: Entry
  /** What each smaller device lacks; no messages where the program fits it. */
  readonly smaller: readonly { readonly device: DeviceName; readonly missing: readonly string[] }[]
  /** Null when it does not compile for the device that it names. */
  readonly measured: Measured | null
  /** Why it does not compile there. */
  readonly errors: readonly string[]
}

export interface Measured {
  readonly report: CompileReport
  readonly compileTimeMs: number
  readonly overloads: readonly number[]
  /** Times are problem time. */
  readonly comparison: Comparison
  /** Up to here a chaotic program has to agree: where its equations part from the same equations solved less accurately. */
  readonly horizon: number | null
}

/** `clock` gives ms, null where nobody asks; `samples` per channel. Throws when the equations themselves cannot be solved. */
export function measure(entry: Entry, { samples, clock }: { samples: number; clock: (() => number) | null }): Result {
  const { specification } = DEVICES[entry.device]
  const smaller = smallerThan(entry.device).map((device) => ({
    device,
    missing: errorsOf(compiled(entry, DEVICES[device].specification)),
  }))
  if (clock) compiled(entry, specification) // So that the time is not the one of a cold start.
  const begun = clock?.() ?? NaN
  const compilation = compiled(entry, specification)
  const compileTimeMs = (clock?.() ?? NaN) - begun
  const errors = errorsOf(compilation)
  if (!compilation.result) return { entry, smaller, errors, measured: null }

  const { configuration, report } = compilation.result
  const violations = violationsOf(configuration, specification)
  invariant(
    violations.length === 0,
    `${entry.name} fits the device: ${violations.map(({ message }) => message).join(' ')}`,
  )
  const { values, overloads } = simulated(configuration, { specification, opTimeNs: entry.opTimeNs, samples })
  const rate = samples / (entry.opTimeNs * 1e-9) / report.problemTimePerSecond
  const problemTime = { t0: 0, dt: 1 / rate, count: samples }
  const comparedWithEquations = (a: readonly Float64Array[], expected: readonly Float64Array[]): Comparison =>
    compareRuns(
      { a: { rate, offset: 0, values: a }, b: { rate, offset: 0, values: expected } },
      {
        channels: configuration.probes.map(({ label }, probe) => ({
          label,
          fullScale: fullScaleOf(configuration, probe),
        })),
        tolerance: TOLERANCE,
      },
    )
  const expected = solved(entry, { problemTime })
  const comparison = comparedWithEquations(values, expected)
  const horizon =
    entry.chaotic && comparison.verdict !== 'agrees'
      ? partingOf(comparedWithEquations(solved(entry, { problemTime, rtol: COARSE_RTOL }), expected))
      : null
  return { entry, smaller, errors, measured: { report, compileTimeMs, overloads, comparison, horizon } }
}

/** When the first channel leaves the tolerance; null when none does. */
export function partingOf({ channels }: Comparison): number | null {
  const times = channels.flatMap(({ firstExcursion }) => firstExcursion ?? [])
  return times.length > 0 ? Math.min(...times) : null
}

function solved({ name, program }: Entry, options: Parameters<typeof solve>[1]): readonly Float64Array[] {
  const solution = solve(program, options)
  if ('diagnostics' in solution) throw new Error(`${name}: ${messagesOf(solution.diagnostics).join(' ')}`)
  return solution.values
}

function compiled({ program, opTimeNs }: Entry, device: DeviceSpecification): Compilation {
  return compile(program, { device, opTimeNs })
}

function errorsOf({ diagnostics }: Compilation): string[] {
  return messagesOf(diagnostics.filter(({ severity }) => severity === 'error'))
}

function messagesOf(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, message }) => `${code}: ${message}`)
}

/** The physical value of a probe at 1 machine unit. */
function fullScaleOf({ carriers }: Configuration, probe: number): number {
  const channel = carriers.flatMap(({ adc }) => adc).find((candidate) => candidate.probe === probe)
  return Math.abs(channel?.gain ?? 1) || 1
}

interface Simulated {
  /** Physical, by probe. */
  readonly values: readonly Float64Array[]
  readonly overloads: readonly number[]
}

function simulated(
  configuration: Configuration,
  run: { specification: DeviceSpecification; opTimeNs: number; samples: number },
): Simulated {
  const model = circuitModel(configuration, run.specification)
  const opTime = run.opTimeNs * 1e-9
  const overloads = new Uint8Array(model.outputCount)
  const values = configuration.probes.map(() => new Float64Array(run.samples))
  const channels = configuration.carriers.flatMap(({ adc }) => adc)
  const take = ({ firstIndex, blocks, encoding }: SampleChunk): void => {
    for (const { probe, gain, offset } of channels) {
      const machine = samplesOf(blocks[probe] ?? new Uint8Array(), encoding)
      machine.forEach((value, i) => values[probe]?.fill(value * gain + offset, firstIndex + i, firstIndex + i + 1))
    }
  }
  const operation = operate(model, {
    opTime,
    sampleRate: run.samples / opTime,
    sampleCount: run.samples,
    chunkSamples: 4096,
    haltOnOverload: false,
    convert: null,
    overloads,
    tolerances: TOLERANCES,
  })
  let next = operation.next()
  for (; !next.done; next = operation.next()) if (next.value.chunk) take(next.value.chunk)
  invariant(next.value.status === 'ok', `the circuit is simulated to its end, not ${next.value.status}`)
  return { values, overloads: [...overloads.keys()].filter((output) => overloads[output] === 1) }
}
