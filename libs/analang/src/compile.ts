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
import { divides } from './capacity.ts'
import { check } from './check.ts'
import { diagnosticsOf, issue, type Issue, type Staged } from './diagnostics.ts'
import { fit } from './fit.ts'
import { lower } from './lower.ts'
import { fastestPace } from './pace.ts'
import { parse } from './parse.ts'
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
  const { device, opTimeNs, k0 } = options
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

  const fitted = take(fit(circuit, { device, opTimeNs, fastest: fastestPace(device, k0) }))
  if (!fitted) return failed()

  const decisions = { device, circuit, ...fitted }
  const configuration = configurationOf(decisions)
  invariant(violationsOf(configuration, device).length === 0, 'what the compiler makes fits the device')
  return { diagnostics: diagnosticsOf(source, issues), result: { configuration, report: reportOf(decisions) } }
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
