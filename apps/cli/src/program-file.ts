/** The FILE argument: an analang program, or a configuration as JSON; `-` is stdin. */
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Configuration } from '@lucihub/analog'
import { systemCode } from './system-error.ts'

export type ProgramFile =
  | { readonly kind: 'source'; readonly name: string; readonly source: string }
  | { readonly kind: 'configuration'; readonly name: string; readonly configuration: Configuration }

/** Rejects with a readable Error. The hub checks what a configuration holds. */
export async function readProgram(name: string, stdin: Readable): Promise<ProgramFile> {
  const content = name === '-' ? await text(stdin) : await readFile(name, 'utf8').catch(unreadable(name))
  if (!/\.json$/i.test(name)) return { kind: 'source', name: name === '-' ? 'stdin' : name, source: content }
  return { kind: 'configuration', name, configuration: parseConfiguration(content, name) }
}

/** Accepts a configuration itself, or a document that holds one under `configuration` (`compile --json`). */
function parseConfiguration(content: string, name: string): Configuration {
  let document: unknown
  try {
    document = JSON.parse(content)
  } catch (cause) {
    throw new Error(`${name} is not JSON.`, { cause })
  }
  if (typeof document !== 'object' || document === null) throw new Error(`${name} does not hold a configuration.`)
  return ('configuration' in document ? document.configuration : document) as Configuration
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
