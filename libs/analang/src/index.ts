export { compile, type CompileOptions } from './compile.ts'
export { DIAGNOSTICS, type DiagnosticCode } from './diagnostics.ts'
export { renderDiagnostic } from './render.ts'
export { solve, type ProblemTime, type Solution } from './solve.ts'
