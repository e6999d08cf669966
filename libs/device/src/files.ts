/** Circuits in files: what those may import who never speak to a device. */
export { decodeApb, encodeApb, type Apb } from './codec/apb.ts'
export * from './codec/circuit-file.ts'
export { circuitJsonKind, readCircuitJson, type CircuitReading } from './codec/circuit-json.ts'
export { writeCircuitJson } from './codec/circuit-json-writer.ts'
