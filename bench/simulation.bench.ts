/**
 * The simulator against scipy's RK45 and against the same Dormand-Prince loop in C: the same circuit, tolerance and
 * samples. Circuits are compiled from programs; what C and Python integrate is the generated right-hand side,
 * translated. Neither needs a hub.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '@lucihub/analang'
import { LUCIDAC, samplesOf } from '@lucihub/analog'
import { IDEAL, circuitModel, operate, type CircuitModel } from '@lucihub/simulation'
import { row, times, type Row, type Section } from './report.ts'
import { circuitInC, circuitInPython } from './translated-circuit.ts'

const SAMPLES = 10_000
const TOLERANCES = { rtol: 1e-6, atol: 1e-8 }
const REPEATS = 101
const PYTHON_REPEATS = 5
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
  const ours = { us: fastest(() => operated(model, opTimeS)), seen: operated(model, opTimeS) }
  const saturating = circuitModel(result.configuration, LUCIDAC, IDEAL)
  const usSaturating = fastest(() => operated(saturating, opTimeS))
  const loop = { samples: SAMPLES, witness: WITNESS, opTime: opTimeS, ...TOLERANCES }
  const c = attempt(() => {
    const file = join(folder, 'circuit')
    writeFileSync(`${file}.c`, circuitInC(model, { ...loop, repeats: REPEATS }))
    execFileSync('gcc', ['-O3', '-o', file, `${file}.c`, '-lm'], { stdio: 'pipe' })
    return answerOf(execFileSync(file, { encoding: 'utf8' }), ours)
  })
  const python = attempt(() => {
    const input = circuitInPython(model, { ...loop, repeats: PYTHON_REPEATS })
    return answerOf(execFileSync('python3', ['-'], { input, encoding: 'utf8', stdio: 'pipe' }), ours)
  })
  return [
    row(name, micro(ours.us)),
    row('  with saturating amplifiers', micro(usSaturating), {
      against: 'it / ours',
      ratio: times(usSaturating / ours.us),
    }),
    typeof c === 'string'
      ? row('  the same loop in C, gcc -O3', c)
      : row('  the same loop in C, gcc -O3', micro(c), {
          against: 'ours / it',
          ratio: times(ours.us / c),
          goal: '<= 1.5 x',
        }),
    typeof python === 'string'
      ? row('  scipy solve_ivp RK45', python)
      : row('  scipy solve_ivp RK45', micro(python), {
          against: 'it / ours',
          ratio: times(python / ours.us),
          goal: '>= 100 x',
        }),
  ]
}

/** One OP phase as a run has it, overload watch and chunks included. Returns what the witness saw. */
function operated(model: CircuitModel, opTime: number): readonly number[] {
  const operation = operate(model, {
    opTime,
    sampleRate: SAMPLES / opTime,
    sampleCount: SAMPLES,
    chunkSamples: 4096,
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

/** The fastest of many, µs, after as many to warm up: whatever else the machine does only adds. C and Python do the same. */
function fastest(work: () => void): number {
  for (let i = 0; i < REPEATS; i++) work()
  const took = Array.from({ length: REPEATS }, () => {
    const begun = performance.now()
    work()
    return performance.now() - begun
  })
  return Math.min(...took) * 1e3
}

/** The figure, or why there is none. */
function attempt(work: () => number): number | string {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'not installed'
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    if (said.includes('No module named')) return 'not installed'
    throw new Error(`the other way to integrate fails: ${said}`, { cause: error })
  }
}

/** `us` and the probes at the witness; both ways have to be at the same place there. */
function answerOf(text: string, { seen }: { seen: readonly number[] }): number {
  const [us = NaN, ...theirs] = text.trim().split(/\s+/).map(Number)
  const apart = Math.max(...seen.map((value, i) => Math.abs(value - (theirs[i] ?? NaN))))
  if (!(apart <= AGREEMENT)) throw new Error(`the solutions are ${apart} apart`)
  return us
}

const micro = (us: number): string => (us < 1e3 ? `${us.toFixed(0)} us` : `${(us / 1e3).toFixed(2)} ms`)
