/**
 * The compiler: text in, block settings out. Each stage is a pure function in a file of its own that gives its
 * result and what it has to say; none throws on anything a user writes.
 */
import {
  invariant,
  RUN_LIMITS,
  violationsOf,
  type Compilation,
  type DeviceSpecification,
  type IntegratorRate,
} from '@lucihub/analog'
import { configurationOf, reportOf } from './assemble.ts'
import { divides, offerOf } from './capacity.ts'
import { check } from './check.ts'
import type { Circuit } from './circuit.ts'
import { diagnosticsOf, issue, type Issue, type Staged } from './diagnostics.ts'
import { isDivisible, layOut } from './layout.ts'
import { lower } from './lower.ts'
import { parse } from './parse.ts'
import {
  fastestPace,
  lanesFor,
  problemTimePerSecond,
  scale,
  slowerPace,
  type Pace,
  type ScaledCircuit,
} from './scale.ts'
import { synthesize } from './synthesize.ts'

export interface CompileOptions {
  readonly device: DeviceSpecification
  /** Length of the run, ns: how far the solution must stay within the machine. */
  readonly opTimeNs: number
  /** Fixes the integrator rate; without it the fastest that fits is taken. */
  readonly k0?: IntegratorRate
}

/** Compiles a program for a device. Pure and deterministic; `report.compileTimeMs` is left at 0. */
export function compile(source: string, options: CompileOptions): Compilation {
  const { device, opTimeNs } = options
  const issues: Issue[] = checkOptions(options)
  const take = <T>(stage: Staged<T>): T | null => {
    issues.push(...stage.issues)
    return stage.value
  }
  const failed = (): Compilation => ({ diagnostics: diagnosticsOf(source, issues), result: null })
  if (issues.length > 0) return failed()

  const ast = take(parse(source))
  const program = ast && take(check(ast, source))
  const system = program && take(lower(program, { divides: divides(device) }))
  if (!system) return failed()

  const circuit = take(synthesize(system, device))
  if (!circuit) return failed()

  // The length of the run in problem time depends on the pace, amplitudes on that length, and the lanes that
  // the weights take on both. So a pace is tried, and a slower one while the lanes do not suffice.
  for (let pace = fastestPace(device, options.k0); ;) {
    const scaling = scale(circuit, { pace, opTimeNs, upscaling: device.upscaling })
    const layout = scaling.value && layOut(circuit, scaling.value, device)
    const slower = scaling.value && !layout?.value && relief(pace, scaling.value, circuit, device)
    if (slower) {
      pace = slower
      continue
    }
    const scaled = take(scaling)
    const laidOut = layout && take(layout)
    if (!scaled || !laidOut) return failed()
    issues.push(...slowed(pace))
    const decisions = { device, circuit, pace, scaled, ...laidOut }
    const configuration = configurationOf(decisions)
    invariant(violationsOf(configuration, device).length === 0, 'what the compiler makes fits the device')
    return { diagnostics: diagnosticsOf(source, issues), result: { configuration, report: reportOf(decisions) } }
  }
}

/** A slower pace, if large weights are what lanes run short of; all clusters' lanes count together. */
function relief(pace: Pace, scaled: ScaledCircuit, circuit: Circuit, device: DeviceSpecification): Pace | null {
  const split = scaled.connections.some(({ weight }) => lanesFor(weight, device) > 1)
  if (pace.divisor === 1 && split && !isDivisible(circuit, scaled, device)) return null
  return split ? slowerPace(pace, scaled, circuit, { ...device, lanes: offerOf(device, 0).lanes }) : null
}

function checkOptions({ device, opTimeNs, k0 }: CompileOptions): Issue[] {
  const { min, max } = RUN_LIMITS.opTimeNs
  const issues: Issue[] = []
  if (!(opTimeNs >= min && opTimeNs <= max))
    issues.push(issue('ANA0303', null, `the op time is ${opTimeNs} ns, not between ${min} and ${max} ns`))
  if (k0 !== undefined && !device.integratorRates.includes(k0))
    issues.push(
      issue('ANA0304', null, `the device has no k0 = ${k0}`, `it offers ${device.integratorRates.join(' and ')}`),
    )
  return issues
}

function slowed(pace: Pace): Issue[] {
  if (pace.divisor === 1) return []
  return [
    issue(
      'ANA0403',
      null,
      `problem time passes at ${problemTimePerSecond(pace)} units per second instead of ${pace.k0}: the coefficients are large`,
      'the run covers a shorter stretch of problem time; give it a longer op time',
    ),
  ]
}
