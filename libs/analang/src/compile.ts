/**
 * The compiler: text in, block settings out. Each stage is a pure function in a file of its own that gives its
 * result and what it has to say; none throws on anything a user writes.
 */
import {
  invariant,
  RUN_LIMITS,
  violationsOf,
  type ClusterSpecification,
  type Compilation,
  type DeviceSpecification,
  type IntegratorRate,
} from '@lucihub/analog'
import { configurationOf, reportOf } from './assemble.ts'
import { check } from './check.ts'
import { diagnosticsOf, issue, type Issue, type Staged } from './diagnostics.ts'
import { lower } from './lower.ts'
import { parse } from './parse.ts'
import { place } from './place.ts'
import { route } from './route.ts'
import { fastestPace, problemTimePerSecond, scale, slowerPace, type Pace } from './scale.ts'
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
  const system = program && take(lower(program))
  if (!system) return failed()

  const { carrier, cluster } = firstClusterOf(device)
  const circuit = take(synthesize(system, { cluster, adcChannels: device.adcChannels, lanes: device.lanes }))
  const placement = circuit && take(place(circuit, cluster))
  if (!placement) return failed()

  // The length of the run in problem time depends on the pace, amplitudes on that length, and the lanes that
  // the weights take on both. So a pace is tried, and a slower one while the lanes do not suffice.
  for (let pace = fastestPace(device, options.k0); ;) {
    const scaling = scale(circuit, { pace, opTimeNs, upscaling: device.upscaling })
    const routing = scaling.value && route(circuit, scaling.value, placement, device)
    const slower = scaling.value && !routing?.value && slowerPace(pace, scaling.value, circuit, device)
    if (slower) {
      pace = slower
      continue
    }
    const scaled = take(scaling)
    const routed = routing && take(routing)
    if (!scaled || !routed) return failed()
    issues.push(...slowed(pace))
    const decisions = { device, carrier, cluster, circuit, placement, pace, scaled, routing: routed }
    const configuration = configurationOf(decisions)
    invariant(violationsOf(configuration, device).length === 0, 'what the compiler makes fits the device')
    return { diagnostics: diagnosticsOf(source, issues), result: { configuration, report: reportOf(decisions) } }
  }
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

/** Circuits take one cluster so far; a device without any has no elements. */
function firstClusterOf({ carriers }: DeviceSpecification): { carrier: string; cluster: ClusterSpecification } {
  const [carrier] = carriers
  return { carrier: carrier?.id ?? '', cluster: carrier?.clusters[0] ?? { index: 0, slots: [null, null] } }
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
