/** Names and paths of the tree. A path is names joined by "/", from the project's slug down. */
import { Problem, type Violation } from '@lucihub/analog'

const NAME = /^[A-Za-z0-9._-]{1,128}$/
export const NAME_LENGTH_MAX = 128
/** Of the path of a dataset, with the project's slug: it is the key of an index, which takes no longer ones. */
export const PATH_LENGTH_MAX = 1024
/** Where runs go that name no other dataset. */
export const RUNS_DATASET = 'runs'

/** True for what a project, dataset, datapoint or file may be called. */
export function isName(text: string): boolean {
  return NAME.test(text) && text !== '.' && text !== '..'
}

/** Problem `validation-failed` that names the field. */
export function checkName(text: string, pointer = '/name'): string {
  if (isName(text)) return text
  throw invalid({
    pointer,
    value: text.slice(0, 80),
    message: 'This is not a name.',
    remedy: `Use 1 to ${NAME_LENGTH_MAX} of the letters A-Z and a-z, digits, ".", "_" and "-"; not "." or "..".`,
  })
}

/** The names in a path; slashes at its ends and doubled ones do not count. */
export function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '')
}

/** A name made of any text: what is not allowed becomes "-". */
export function safeName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, NAME_LENGTH_MAX - 10)
  return isName(name) ? name : `user-${name.replace(/\./g, '')}`
}

export function invalid(violation: Violation): Problem {
  return new Problem('validation-failed', `${violation.message} (${violation.pointer})`, { violations: [violation] })
}
