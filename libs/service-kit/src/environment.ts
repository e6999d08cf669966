/** Reads a service's configuration from environment variables: all mistakes at once, each with its remedy. */
import { readFileSync } from 'node:fs'

/** `NAME_FILE` names a file that holds the value of `NAME`: the way secrets are mounted. An empty value counts as none. */
export interface EnvironmentReader {
  /** Required when there is no default. */
  text(name: string, fallback?: string): string
  /** Decimal; `min` and `max` are inclusive. Required when there is no default. */
  integer(name: string, options?: { readonly default?: number; readonly min?: number; readonly max?: number }): number
  /** One of `choices`. Required when there is no default. */
  choice<C extends string>(name: string, choices: readonly C[], fallback?: C): C
  /** In a form of its own. `parse` takes the fallback, and throws an Error that says what to write instead of others. */
  parsed<T>(name: string, fallback: string, parse: (text: string) => T): T
}

/** What is wrong with the environment, as one text for people: each variable, its value and the remedy. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

/** Calls `read`; throws one EnvironmentError about everything it could not read. */
export function readEnvironment<T>(env: NodeJS.ProcessEnv, read: (environment: EnvironmentReader) => T): T {
  const mistakes: string[] = []
  const refuse = (): void => {
    if (mistakes.length > 0)
      throw new EnvironmentError(
        ['The environment is not usable:', ...mistakes.map((mistake) => `  ${mistake}`)].join('\n'),
      )
  }
  try {
    return read(reader(env, (mistake) => mistakes.push(mistake)))
  } finally {
    refuse() // also when `read` stumbled over the placeholder that stands for a missing value
  }
}

function reader(env: NodeJS.ProcessEnv, report: (mistake: string) => void): EnvironmentReader {
  const value = (name: string): string | null => {
    const file = env[`${name}_FILE`]
    if (env[name]) return env[name]
    if (!file) return null
    try {
      return readFileSync(file, 'utf8').trim() || null
    } catch (error) {
      report(`${name}_FILE is "${file}", which cannot be read (${reasonOf(error)}): name a readable file.`)
      return ''
    }
  }
  const missing = (name: string, wanted: string): void => {
    report(`${name} is not set: set it to ${wanted}, or ${name}_FILE to a file that holds it.`)
  }
  return {
    text(name, fallback) {
      const given = value(name) ?? fallback
      if (given === undefined) missing(name, 'a text')
      return given ?? ''
    },
    integer(name, { default: fallback, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = {}) {
      const wanted = `a whole number from ${min} to ${max}`
      const given = value(name)
      if (given === null && fallback === undefined) missing(name, wanted)
      if (given === null || given === '') return fallback ?? min
      const number = Number(given)
      if (/^-?\d+$/.test(given) && number >= min && number <= max) return number
      report(`${name} is "${given}": set it to ${wanted}.`)
      return min
    },
    choice(name, choices, fallback) {
      const wanted = `one of ${choices.join(', ')}`
      const given = value(name)
      const chosen = given === null ? fallback : choices.find((choice) => choice === given)
      if (chosen !== undefined) return chosen
      if (given === null) missing(name, wanted)
      else if (given !== '') report(`${name} is "${given}": set it to ${wanted}.`)
      return choices[0] as (typeof choices)[number]
    },
    parsed(name, fallback, parse) {
      const given = value(name) ?? fallback
      try {
        return parse(given)
      } catch (error) {
        report(`${name} is "${given}": ${reasonOf(error)}`)
        return parse(fallback)
      }
    },
  }
}

/** Not `instanceof`: errors of Node's own modules may belong to another realm. */
function reasonOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
}
