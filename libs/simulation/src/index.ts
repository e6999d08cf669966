export { circuitModel, type CircuitModel } from './circuit.ts'
export * from './comparison.ts'
export type { Divergence } from './divergence.ts'
export * from './dormand-prince.ts'
export { evaluationOrder, groupsFor, type Group } from './evaluation-order.ts'
export { IDEAL, REALISTIC, SATURATION, type Imperfections } from './imperfections.ts'
export * from './input-signal.ts'
export * from './integrate.ts'
export {
  networkOf,
  type AlgebraicElement,
  type InputElement,
  type IntegratorElement,
  type Network,
  type Sum,
} from './network.ts'
export { LOOP_TOLERANCE } from './newton.ts'
export { operate, type Operation, type OperationEnd, type Slice } from './operation.ts'
export { OVERLOAD } from './overload.ts'
export { fastPace, realTimePace, type Clock, type Pace } from './pace.ts'
export { SimulatedComputer, type SimulatedComputerOptions } from './simulated-computer.ts'
