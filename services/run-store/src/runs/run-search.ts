/** Searching runs: by the words that are about them, and by their parameters. Both go by an index. */
import { Problem } from '@lucihub/analog'
import type { ParameterFilter } from '@lucihub/contracts'

/** SQL: the words of the run `r`, as the index has them. */
export const RUN_WORDS = 'run_words(r.title, r.notes, r.source, r.path, r.tags)'

const TERMS_MAX = 20

/** A tsquery: all of these words, each of which may be the beginning of one; empty when there is no word in the text. */
export function wordsQuery(text: string): string {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? []
  return words
    .slice(0, TERMS_MAX)
    .map((word) => `'${word}':*`)
    .join(' & ')
}

/** SQL: the run `r` has this parameter. `next` makes a value a parameter of the statement. */
export function parameterCondition(
  { path, text, minimum, maximum }: ParameterFilter,
  next: (value: unknown) => string,
): string {
  if (path === '' || path.includes('\0') || text?.includes('\0'))
    throw new Problem('invalid-request', 'A parameter is named by a path such as "a.b[0]".')
  const from = `SELECT p.run_id FROM parameter_index p WHERE p.path = ${next(path)}`
  if (text === undefined || text === null) {
    const low = next(minimum ?? -Infinity)
    return `r.id IN (${from} AND p.num BETWEEN ${low}::float8 AND ${next(maximum ?? Infinity)}::float8)`
  }
  const value = next(text)
  const kinds = [`${from} AND left(p.txt, 200) = left(${value}, 200) AND p.txt = ${value}`]
  if (text.trim() !== '' && Number.isFinite(Number(text)))
    kinds.push(`${from} AND p.num = ${next(Number(text))}::float8`)
  if (text === 'true' || text === 'false') kinds.push(`${from} AND p.bool = (${value} = 'true')`)
  return `r.id IN (${kinds.join(' UNION ALL ')})`
}
