/**
 * A configured device as differential equations. They are generated as JavaScript source and compiled by the engine,
 * which measures about thirty times faster than walking the network.
 */
import { PORTS, Problem, violationsOf, type Configuration, type DeviceSpecification } from '@lucihub/analog'
import { circuitSource, type CircuitCode, type Instants } from './circuit-code.ts'
import type { OdeProblem } from './dormand-prince.ts'
import { evaluationOrder, type Group } from './evaluation-order.ts'
import { IDEAL, type Imperfections } from './imperfections.ts'
import type { InputSignals } from './input-signal.ts'
import { networkOf } from './network.ts'
import { ROWS, TRIAL } from './step-kernel.ts'
import { stretch } from './step-length.ts'
import { newtonSolver, type NewtonSolver } from './newton.ts'

/** A device's circuit: an initial value problem in seconds of op time, with outputs computed from its state. */
export interface CircuitModel extends OdeProblem {
  /** The state that IC charges the integrators to: one value per integrator in use. */
  readonly initialState: Float64Array
  /** How far it gets from zero in so many seconds. */
  charged(icTime: number): Float64Array
  /** Outputs of the device: 16 per cluster, clusters in the order of the specification. */
  readonly outputCount: number
  /** Outputs that can be other than 0. */
  readonly usedOutputs: readonly number[]
  /** Outputs sampled by the ADC, in probe order. */
  readonly probes: readonly number[]
  /** Writes all outputs at this state; unused ones are 0. Machine units. The instant, s, matters to inputs only; default 0. */
  outputs(y: Float64Array, out: Float64Array, t?: number): void
  /** Writes the sampled outputs only, in probe order. */
  sampled(y: Float64Array, out: Float64Array, t?: number): void
  /** Factor and offset of each of them: physical = machine * gain + offset. */
  readonly channels: readonly { readonly gain: number; readonly offset: number }[]
  /** The longest step that misses nothing of the inputs, s; Infinity without any. */
  readonly maxStep: number
  /** Writes the sampled outputs at instants of the solution's last step into the columns (one per probe), from `at` on. */
  record(memory: Float64Array, instants: Instants, columns: readonly Float32Array[], at: number): void
  /** True when no output can have been overloaded within the last step. False says nothing: look closer. */
  calm(memory: Float64Array): boolean
  /** Forgets the last solutions of algebraic loops: call it before a run, so that equal runs are equal. */
  reset(): void
  /** The generated source. */
  readonly source: string
}

/**
 * Builds the model of a configuration on a device. Throws Problem `validation-failed` when the configuration does
 * not fit the device, or when an algebraic loop has no solution at the initial state.
 */
export function circuitModel(
  configuration: Configuration,
  specification: DeviceSpecification,
  imperfections: Imperfections = IDEAL,
  signals: InputSignals = {},
): CircuitModel {
  const violations = violationsOf(configuration, specification)
  if (violations.length > 0) {
    throw new Problem('validation-failed', 'The configuration does not fit the device.', { violations })
  }
  const network = networkOf(configuration, specification, imperfections)
  const groups = evaluationOrder(network.algebraic)
  const loops = new Map<Group, NewtonSolver>()
  for (const group of groups) if (group.loop) loops.set(group, newtonSolver(group.elements.length))
  const inputs = network.inputs.map(({ carrier, port }) => signals[carrier * PORTS + port])
  const source = circuitSource(network, groups, imperfections.limits)
  const generated = new Function('loops', 'inputs', 'stretch', source)(
    [...loops.values()],
    inputs.map((signal) => signal?.at ?? (() => 0)),
    stretch,
  ) as CircuitCode
  const { step, sweep } = generated
  const used = [...network.integrators, ...network.algebraic].map(({ output }) => output)

  const model: CircuitModel = {
    dimension: network.integrators.length,
    initialState: Float64Array.from(network.integrators, ({ initial }) => initial),
    charged: (icTime) =>
      Float64Array.from(network.integrators, ({ initial, k0 }) => {
        const { charging } = imperfections
        return charging === null ? initial : initial * -Math.expm1((-icTime * k0) / charging)
      }),
    outputCount: network.outputs,
    usedOutputs: used.sort((a, b) => a - b),
    probes: network.probes,
    channels: channelsOf(configuration),
    rhs: generated.rhs,
    outputs: (y, out, t = 0) => generated.outputs(y, out, t),
    sampled: (y, out, t = 0) => generated.sampled(y, out, t),
    maxStep: inputs.reduce((least, signal) => Math.min(least, signal?.maxStep ?? Infinity), Infinity),
    record: generated.record,
    // A generated step has looked already.
    calm: step ? (memory) => memory[ROWS * network.integrators.length + TRIAL.calm] === 1 : generated.calm,
    kernel: step && sweep ? { step, sweep } : null,
    reset() {
      for (const loop of loops.values()) loop.reset()
    },
    source,
  }
  assertSolvable(model, loops)
  return model
}

function channelsOf({ carriers }: Configuration): CircuitModel['channels'] {
  return carriers
    .flatMap(({ adc }) => adc)
    .toSorted((a, b) => a.probe - b.probe)
    .map(({ gain, offset }) => ({ gain, offset }))
}

function assertSolvable(model: CircuitModel, loops: ReadonlyMap<Group, NewtonSolver>): void {
  model.outputs(model.initialState, new Float64Array(model.outputCount))
  const unsolved = [...loops].filter(([, loop]) => loop.z.some(Number.isNaN))
  model.reset()
  if (unsolved.length === 0) return
  throw new Problem('validation-failed', 'The circuit has an algebraic loop without a solution.', {
    violations: unsolved.map(([{ elements }]) => ({
      pointer: '/carriers',
      value: elements.map(({ output }) => output).join(', '),
      message: 'these outputs depend on each other without an integrator between them, and no values satisfy them',
      remedy: 'break the loop with an integrator, or lower its gain',
    })),
  })
}
