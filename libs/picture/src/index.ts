export { drawCircuit } from './svg.ts'
