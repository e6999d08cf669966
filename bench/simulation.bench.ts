/**
 * The simulator against scipy's RK45 and against the same Dormand-Prince loop in C: the same circuit, tolerance and
 * samples. Circuits are compiled from programs; what C and Python integrate is the generated right-hand side,
 * translated. The loop in C chooses its steps as ours does, watches for overload and
 * fills new chunks too; scipy does neither. None needs a hub.
 *
 * Figures are processor time, since others may use the machine, and all take turns: the median of the rounds.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '@lucihub/analang'
import { LUCIDAC, samplesOf } from '@lucihub/analog'
import { IDEAL, circuitModel, operate, type CircuitModel } from '@lucihub/simulation'
import { median, row, times, type Row, type Section } from './report.ts'
import { BATCH, circuitInC, circuitInPython } from './translated-circuit.ts'

const SAMPLES = 10_000
const CHUNK_SAMPLES = 4096
const TOLERANCES = { rtol: 1e-6, atol: 1e-8 }
const ROUNDS = 11
/** Batches of a round. */
const BATCHES = 9
const PYTHON_BATCHES = 5
const WARM_UP_RUNS = 200
/** Where two ways to integrate are compared, before chaos parts them, and how far they may be apart, machine units: a slip would show. */
const WITNESS = SAMPLES / 10
const AGREEMENT = 1e-3

interface Circuit {
  readonly name: string
  readonly opTimeS: number
  readonly source: string
}

const CIRCUITS: readonly Circuit[] = [
  {
    name: 'Lorenz, 3 integrators, 40 units of time',
    opTimeS: 4e-3,
    source: `
      let diff[x, t](t) = 10 * (y(t) - x(t)); let diff[y, t](t) = x(t) * (28 - z(t)) - y(t);
      let diff[z, t](t) = x(t) * y(t) - 8 / 3 * z(t);
      let x(t: 0) = 1; let y(t: 0) = 1; let z(t: 0) = 20; probe x(t); probe y(t); probe z(t);`,
  },
  {
    name: 'four oscillators, 8 integrators, 200 units',
    opTimeS: 20e-3,
    source: `
      let diff[a, t, t](t) = 0.5 * b(t) - a(t) - 0.2 * a(t) ^ 3; let diff[b, t, t](t) = 0.5 * a(t) + 0.5 * c(t) - 1.3 * b(t);
      let diff[c, t, t](t) = 0.5 * b(t) + 0.5 * d(t) - 1.7 * c(t); let diff[d, t, t](t) = 0.5 * c(t) - 2.1 * d(t) - 0.2 * d(t) ^ 3;
      let a(t: 0) = 1; let d(t: 0) = -1; probe a(t); probe b(t); probe c(t); probe d(t);`,
  },
]

export async function measure(): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'lucihub-bench-'))
  try {
    return {
      title: `Simulation, ${SAMPLES} samples, rtol ${TOLERANCES.rtol}`,
      rows: CIRCUITS.flatMap((circuit) => circuitRows(circuit, folder)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function circuitRows({ name, opTimeS, source }: Circuit, folder: string): Row[] {
  const { result } = compile(source, { device: LUCIDAC, opTimeNs: opTimeS * 1e9 })
  if (!result) throw new Error(`${name} does not compile`)
  // Without saturation, which neither C nor Python would have.
  const model = circuitModel(result.configuration, LUCIDAC, { ...IDEAL, limits: null })
  const saturating = circuitModel(result.configuration, LUCIDAC, IDEAL)
  const seen = operated(model, opTimeS)
  const loop = { samples: SAMPLES, chunkSamples: CHUNK_SAMPLES, witness: WITNESS, opTime: opTimeS, ...TOLERANCES }
  const inC = attempt(() => {
    const file = join(folder, 'circuit')
    writeFileSync(`${file}.c`, circuitInC(model, { ...loop, batches: BATCHES }))
    execFileSync('gcc', ['-O3', '-o', file, `${file}.c`, '-lm'], { stdio: 'pipe' })
    return file
  })
  const rounds = { ours: [] as number[], saturating: [] as number[], c: [] as number[] }
  for (const one of [model, saturating]) for (let run = 0; run < WARM_UP_RUNS; run++) operated(one, opTimeS)
  for (let round = 0; round < ROUNDS; round++) {
    rounds.ours.push(processorTime(() => operated(model, opTimeS)))
    if ('done' in inC) rounds.c.push(answerOf(execFileSync(inC.done, { encoding: 'utf8' }), seen))
    rounds.saturating.push(processorTime(() => operated(saturating, opTimeS)))
  }
  const [us, usSaturating, usC] = [median(rounds.ours), median(rounds.saturating), median(rounds.c)]
  const python = attempt(() => {
    const input = circuitInPython(model, { ...loop, batches: PYTHON_BATCHES })
    return answerOf(execFileSync('python3', ['-'], { input, encoding: 'utf8', stdio: 'pipe' }), seen)
  })
  return [
    row(`${name}, overload watched`, micro(us)),
    row('  the same with saturating amplifiers', micro(usSaturating), {
      against: 'it / ours',
      ratio: times(usSaturating / us),
    }),
    'done' in inC
      ? row('  the same loop in C, gcc -O3, overload watched', micro(usC), {
          against: 'ours / it',
          ratio: times(us / usC),
          goal: '<= 1.5 x',
        })
      : row('  the same loop in C, gcc -O3', inC.why),
    'done' in python
      ? row('  scipy solve_ivp RK45, overload not watched', micro(python.done), {
          against: 'it / ours',
          ratio: times(python.done / us),
          goal: '>= 100 x',
        })
      : row('  scipy solve_ivp RK45', python.why),
  ]
}

/** One OP phase as a run has it, overload watch and chunks included. Returns what the witness saw. */
function operated(model: CircuitModel, opTime: number): readonly number[] {
  const operation = operate(model, {
    opTime,
    sampleRate: SAMPLES / opTime,
    sampleCount: SAMPLES,
    chunkSamples: CHUNK_SAMPLES,
    haltOnOverload: false,
    convert: null,
    overloads: new Uint8Array(model.outputCount),
    tolerances: TOLERANCES,
  })
  let seen: readonly number[] = []
  for (let next = operation.next(); !next.done; next = operation.next()) {
    const { chunk } = next.value
    const at = WITNESS - (chunk?.firstIndex ?? Infinity)
    if (chunk && at >= 0 && at < chunk.count) seen = chunk.blocks.map((block) => samplesOf(block, 'f32')[at] ?? NaN)
  }
  return seen
}

/** Of a run, µs: the median of the batches. What the engine's own threads do for it counts. C and Python count the same way. */
function processorTime(run: () => void): number {
  const took = Array.from({ length: BATCHES }, () => {
    const begun = process.cpuUsage()
    for (let i = 0; i < BATCH; i++) run()
    const { user, system } = process.cpuUsage(begun)
    return (user + system) / BATCH
  })
  return median(took)
}

/** What was done, or why it was not. */
function attempt<Done>(work: () => Done): { readonly done: Done } | { readonly why: string } {
  try {
    return { done: work() }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { why: 'not installed' }
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    if (said.includes('No module named')) return { why: 'not installed' }
    throw new Error(`the other way to integrate fails: ${said}`, { cause: error })
  }
}

/** `us` and the probes at the witness; both ways have to be at the same place there. */
function answerOf(text: string, seen: readonly number[]): number {
  const [us = NaN, ...theirs] = text.trim().split(/\s+/).map(Number)
  const apart = Math.max(...seen.map((value, i) => Math.abs(value - (theirs[i] ?? NaN))))
  if (!(apart <= AGREEMENT)) throw new Error(`the solutions are ${apart} apart`)
  return us
}

const micro = (us: number): string => (us < 1e3 ? `${us.toFixed(0)} us` : `${(us / 1e3).toFixed(2)} ms`)
