/** The FILE argument: an analang program, a configuration or a circuit as JSON, an .apb file; `-` is stdin. */
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Configuration } from '@lucihub/analog'
import { systemCode } from './system-error.ts'

export type ProgramFile =
  | { readonly kind: 'source'; readonly name: string; readonly source: string }
  | { readonly kind: 'configuration'; readonly name: string; readonly configuration: Configuration }
  /** Circuit JSON or carrier JSON: the hub tells which. */
  | { readonly kind: 'circuit'; readonly name: string; readonly circuit: Readonly<Record<string, unknown>> }
  | { readonly kind: 'apb'; readonly name: string; readonly bytes: Uint8Array }

/** Rejects with a readable Error. The hub checks what a configuration or a circuit holds. */
export async function readProgram(name: string, stdin: Readable): Promise<ProgramFile> {
  const content = name === '-' ? await buffer(stdin) : await readFile(name).catch(unreadable(name))
  if (/\.apb$/i.test(name)) return { kind: 'apb', name, bytes: content }
  if (/\.json$/i.test(name)) return parseCircuit(content.toString('utf8'), name)
  return { kind: 'source', name: name === '-' ? 'stdin' : name, source: content.toString('utf8') }
}

/** A configuration itself, a document that holds one under `configuration` (`compile --json`), or circuit JSON. */
function parseCircuit(content: string, name: string): ProgramFile {
  let document: unknown
  try {
    document = JSON.parse(content)
  } catch (cause) {
    throw new Error(`${name} is not JSON.`, { cause })
  }
  if (typeof document !== 'object' || document === null) throw new Error(`${name} does not hold a configuration.`)
  if ('configuration' in document)
    return { kind: 'configuration', name, configuration: document.configuration as Configuration }
  if ('carriers' in document) return { kind: 'configuration', name, configuration: document as Configuration }
  return { kind: 'circuit', name, circuit: document as Record<string, unknown> }
}

function unreadable(name: string): (cause: unknown) => never {
  return (cause) => {
    const code = systemCode(cause)
    throw new Error(
      `Cannot read ${name}: ${code === 'ENOENT' ? 'there is no such file' : (code ?? 'unknown reason')}.`,
      { cause },
    )
  }
}
