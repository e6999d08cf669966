/** A circuit from a file of any format that devices and their tools know: what it says, or everything that keeps it from being read. */
import { Problem, type Configuration, type DeviceDescription, type Violation } from '@lucihub/analog'
import { decodeApb } from './apb.ts'
import { circuitJsonKind, readCircuitJson } from './circuit-json.ts'

/** `circuit`: one carrier as lucipy writes it. `carriers`: the vendor's JSON by MAC address. */
export const CIRCUIT_FORMATS = ['apb', 'circuit', 'carriers'] as const
export type CircuitFormat = (typeof CIRCUIT_FORMATS)[number]

export interface CircuitFile {
  readonly format: CircuitFormat
  /** Null exactly when there are violations. */
  readonly configuration: Configuration | null
  /** The device that the file is made for, where it says so. */
  readonly description: DeviceDescription | null
  readonly violations: readonly Violation[]
}

/** Reads a file: bytes as .apb, a document as JSON. Throws a Problem `invalid-request` when it is no file of these formats at all. */
export function readCircuitFile(content: Uint8Array | object): CircuitFile {
  if (content instanceof Uint8Array) return readApb(content)
  const format = circuitJsonKind(content)
  if (!format)
    throw new Problem(
      'invalid-request',
      'This is neither circuit JSON (with "/0" or "adc_channels") nor carrier JSON (by MAC address).',
    )
  return { format, description: null, ...readCircuitJson(content) }
}

function readApb(bytes: Uint8Array): CircuitFile {
  const refused = (message: string, remedy: string): CircuitFile => ({
    format: 'apb',
    configuration: null,
    description: null,
    violations: [{ pointer: '', value: `${bytes.length} bytes`, message, remedy }],
  })
  try {
    const { configuration, description } = decodeApb(bytes)
    if (configuration) return { format: 'apb', configuration, description, violations: [] }
    return refused('The file holds no configuration.', 'Send a file with the settings of at least one block.')
  } catch (failure) {
    if (failure instanceof Problem && failure.type === 'validation-failed')
      return refused(failure.message, 'Leave this item out; what it does cannot be said in a configuration.')
    throw failure
  }
}
