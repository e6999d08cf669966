/**
 * A recipe: what a kind of task takes and gives. Name and version; the type of job it is for; the schema of its
 * parameters; defaults; bindings (where a parameter comes from that is left out); and what its result is made of.
 */
import { Problem, type Violation } from '@lucihub/analog'
import type { Recipe } from '@lucihub/contracts'
import { checkSchema, schemaViolations } from '../schema-check.ts'
import { stepsOf, unstorableIn } from './flatten.ts'

export const SCOPES = ['dataset-lineage', 'session', 'project'] as const
export type Scope = (typeof SCOPES)[number]

/** One place where a parameter may come from: the newest run of a recipe, or with a schema of its result. */
export interface Source {
  readonly recipe?: string
  readonly schema?: string
  /** Path of its parameters, or `result.payload`, `result.summary.x`, ... */
  readonly param: string
  /** Left out: all three, in this order. */
  readonly scope?: Scope
  /** Default true. */
  readonly validOnly?: boolean
  readonly sameDevice?: boolean
  readonly allowPartial?: boolean
  readonly maxAgeS?: number
}

export interface Binding {
  readonly param: string
  /** The first that has a value counts. */
  readonly sources: readonly Source[]
  readonly required?: boolean
}

/** What becomes of the payload when the worker hands in none. */
export interface ResultRule {
  readonly fromParam?: string
  readonly template?: string
  readonly schemas?: readonly string[]
}

export interface KnownRecipe {
  readonly name: string
  readonly version: number
  readonly jobType: string
  readonly schemaJson: string
  readonly defaults: Readonly<Record<string, unknown>>
  readonly bindings: readonly Binding[]
  readonly result: ResultRule
}

const NAME = /^[A-Za-z0-9._-]{1,128}$/
const JOB_TYPE = /^[A-Za-z0-9._-]{1,64}$/
const text = (maxLength: number, minLength = 1) => ({ type: 'string', minLength, maxLength })
const flag = { type: 'boolean' }

/** What a definition must look like; the same is in the API's documents. */
const FORMS = {
  defaults: { type: 'object' },
  hooks: { type: 'object' },
  bindings: {
    type: 'array',
    maxItems: 100,
    items: {
      type: 'object',
      required: ['param', 'sources'],
      additionalProperties: false,
      properties: {
        param: text(500),
        required: flag,
        sources: {
          type: 'array',
          minItems: 1,
          maxItems: 20,
          items: {
            type: 'object',
            required: ['param'],
            additionalProperties: false,
            oneOf: [{ required: ['recipe'] }, { required: ['schema'] }],
            properties: {
              recipe: text(128),
              schema: text(200),
              param: text(500),
              scope: { enum: SCOPES },
              validOnly: flag,
              sameDevice: flag,
              allowPartial: flag,
              maxAgeS: { type: 'integer', minimum: 1, maximum: 3_153_600_000 },
            },
          },
        },
      },
    },
  },
  result: {
    type: 'object',
    additionalProperties: false,
    properties: {
      fromParam: text(500),
      template: text(2_000),
      schemas: { type: 'array', maxItems: 20, items: text(200) },
    },
  },
} as const

/** Problem `validation-failed` with everything that is wrong with a definition. */
export function checkRecipe(recipe: Recipe): void {
  const { name, jobType, description, schemaJson } = recipe
  const violations: Violation[] = []
  const report = (pointer: string, value: string, message: string, remedy: string): void =>
    void violations.push({ pointer, value: value.slice(0, 80), message, remedy })
  if (!NAME.test(name) || name === '.' || name === '..')
    report('/name', name, 'This is no name.', 'Use 1 to 128 letters, digits, ".", "_" or "-".')
  if (!JOB_TYPE.test(jobType) || jobType === 'job')
    report('/jobType', jobType, 'This is no type of job.', 'Use 1 to 64 letters, digits, ".", "_" or "-".')
  checkSchema(schemaJson, '/parameterSchema')
  const parts = {
    defaults: parsed(recipe.defaultsJson, {}),
    bindings: parsed(recipe.bindingsJson, []),
    result: parsed(recipe.resultJson, {}),
    hooks: parsed(recipe.hooksJson, {}),
  }
  for (const part of ['defaults', 'bindings', 'result', 'hooks'] as const)
    violations.push(...schemaViolations(JSON.stringify(FORMS[part]), parts[part], `/${part}`))
  const unstorable = unstorableIn({ description, parameterSchema: JSON.parse(schemaJson) as unknown, ...parts })
  if (unstorable !== null) report(unstorable, '', 'The text cannot be stored.', 'Remove NULs and half characters.')
  if (violations.length === 0) {
    const { bindings, result } = parts as unknown as Pick<KnownRecipe, 'bindings' | 'result'>
    const path = (pointer: string, value: string): void => {
      if (stepsOf(value) === null) report(pointer, value, 'This is no path of a parameter.', 'Write it as a.b[0].')
    }
    bindings.forEach(({ param, sources }, at) => {
      path(`/bindings/${at}/param`, param)
      sources.forEach((source, number) => path(`/bindings/${at}/sources/${number}/param`, source.param))
    })
    if (result.fromParam !== undefined) path('/result/fromParam', result.fromParam)
    if (result.fromParam !== undefined && result.template !== undefined)
      report('/result', '', 'The payload comes from a parameter or from a template.', 'Leave one of them out.')
  }
  if (violations.length > 0)
    throw new Problem('validation-failed', `The recipe has ${violations.length} faults.`, { violations })
}

function parsed(json: string, otherwise: object): unknown {
  return json === '' ? otherwise : JSON.parse(json)
}
