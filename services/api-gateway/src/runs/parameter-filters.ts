/** Conditions on parameters in the query of a list: `param.gain=2`, `param.a.b[0]=1..2`, `param.mode=fast`. */
import { Problem } from '@lucihub/analog'
import type { ParameterFilter } from '@lucihub/contracts'

export const PARAMETER_PREFIX = 'param.'
const NUMBER = '[-+]?(?:\\d+(?:\\.\\d+)?|\\.\\d+)(?:[eE][-+]?\\d+)?'
const RANGE = new RegExp(`^(${NUMBER})?\\.\\.(${NUMBER})?$`)
const FILTERS_MAX = 20
const LENGTH_MAX = 500

/** Problem `validation-failed` for what is no condition. */
export function parameterFilters(query: Readonly<Record<string, unknown>>): ParameterFilter[] {
  const keys = Object.keys(query).filter((key) => key.startsWith(PARAMETER_PREFIX))
  if (keys.length > FILTERS_MAX)
    throw new Problem('invalid-request', `A list is filtered by at most ${FILTERS_MAX} parameters.`)
  return keys.map((key) => {
    const [path, value] = [key.slice(PARAMETER_PREFIX.length), query[key]]
    if (path === '' || typeof value !== 'string' || path.length > LENGTH_MAX || value.length > LENGTH_MAX)
      throw new Problem('validation-failed', 'A parameter is named and given once.', {
        violations: [
          {
            pointer: `/${key.slice(0, 80)}`,
            value: String(value).slice(0, 80),
            message: 'This is no condition on a parameter.',
            remedy: 'Send one such as param.gain=2, param.a.b[0]=1..5 or param.mode=fast.',
          },
        ],
      })
    const range = RANGE.exec(value)
    if (!range || value === '..') return { path, text: value }
    const [, minimum, maximum] = range
    return {
      path,
      ...(minimum !== undefined && { minimum: Number(minimum) }),
      ...(maximum !== undefined && { maximum: Number(maximum) }),
    }
  })
}
