/** Where the hub is and which key to use: options first, then the environment, then the key file of the user. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Config {
  readonly url: string
  /** Empty when none was found. */
  readonly apiKey: string
}

const DEFAULT_URL = 'http://127.0.0.1:8080'
const KEY_FILE = ['.config', 'lucihub', 'key']

/** Throws when a key file that was named cannot be read. */
export function loadConfig(
  env: NodeJS.ProcessEnv,
  options: { readonly url: string | undefined; readonly home: string },
): Config {
  return { url: options.url ?? (env['LUCIHUB_URL'] || DEFAULT_URL), apiKey: apiKey(env, options.home) }
}

export const KEY_MISSING = [
  'No API key.',
  '  Set LUCIHUB_API_KEY, or LUCIHUB_API_KEY_FILE to the path of a file that holds the key,',
  `  or write the key to ~/${KEY_FILE.join('/')}.`,
].join('\n')

function apiKey(env: NodeJS.ProcessEnv, home: string): string {
  const direct = env['LUCIHUB_API_KEY']?.trim()
  if (direct) return direct
  const named = env['LUCIHUB_API_KEY_FILE']
  if (named) return readFileSync(named, 'utf8').trim()
  try {
    return readFileSync(join(home, ...KEY_FILE), 'utf8').trim()
  } catch {
    return '' // No key file: the caller says what the ways to give a key are.
  }
}
