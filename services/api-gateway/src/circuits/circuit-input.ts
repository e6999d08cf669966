/** What a client sends as a circuit: bytes of an .apb file, or one of the JSON forms. The formats themselves are the device library's. */
import { Problem, type Configuration, type Violation } from '@lucihub/analog'
import { readCircuitFile, type CircuitFile, type CircuitFormat } from '@lucihub/device/files'
import { parseWith } from '../http/violations.ts'
import { ConfigurationSchema } from '../runs/configuration.schema.ts'

export interface CircuitInput extends Omit<CircuitFile, 'format'> {
  readonly format: CircuitFormat | 'configuration'
}

/** Throws a Problem `invalid-request` for what is no circuit in any form. */
export function readCircuit(content: unknown): CircuitInput {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new Problem(
      'invalid-request',
      'Send a circuit: an .apb file as application/octet-stream, or an object as JSON.',
    )
  if (content instanceof Uint8Array) return readCircuitFile(content)
  if ('carriers' in content) return readConfiguration(content, '')
  if ('configuration' in content) return readConfiguration(content.configuration, '/configuration')
  return readCircuitFile(content)
}

/** Our own JSON; what is wrong with it are violations here, as with every other form. */
function readConfiguration(content: unknown, at: string): CircuitInput {
  const read = (configuration: Configuration | null, violations: readonly Violation[]): CircuitInput => ({
    format: 'configuration',
    description: null,
    configuration,
    violations,
  })
  try {
    return read(parseWith(ConfigurationSchema, content), [])
  } catch (failure) {
    if (!(failure instanceof Problem)) throw failure
    return read(
      null,
      failure.violations.map((violation) => ({ ...violation, pointer: `${at}${violation.pointer}` })),
    )
  }
}
