/** Compiling for no device in particular: the smallest of the machines we know that the program fits. */
import type { Compilation, Diagnostic } from '@lucihub/analog'
import { MACHINES } from './capacity.ts'
import { compile, type CompileOptions } from './compile.ts'

/** What another machine may have more of: elements, lanes, ports. */
const SHORTAGES: ReadonlySet<string> = new Set(['ANA0206', 'ANA0301', 'ANA0302'])

/**
 * Compiles for a LUCIDAC, else an mREDAC, else a REDAC; the report names the machine. What fits none of them comes
 * back with what is short on each, machine by machine.
 */
export function compileForAny(source: string, options: Omit<CompileOptions, 'device'>): Compilation {
  const short: Diagnostic[] = []
  for (const { name, article, device } of MACHINES) {
    const compilation = compile(source, { ...options, device })
    const { diagnostics, result } = compilation
    if (result) return { diagnostics, result: { ...result, report: { ...result.report, machine: name } } }
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    if (!errors.every(({ code }) => SHORTAGES.has(code))) return compilation
    short.push(...errors.map((error) => ({ ...error, message: `on ${article} ${name}: ${error.message}` })))
  }
  return { diagnostics: short, result: null }
}
