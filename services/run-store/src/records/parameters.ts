/**
 * From the parameters that somebody sent to those that a run has, each with where it came from. In this order, and the
 * first that has a value counts: what was sent; what a reference in it names; the recipe's bindings, source by source;
 * the recipe's defaults; the defaults of its schema; those of the device's schema. Then the schemas judge the whole.
 * A parameter that is null or an empty text counts as left out where a binding could fill it.
 */
import type { Violation } from '@lucihub/analog'
import { schemaViolations } from '../schema-check.ts'
import type { Found } from './findings.ts'
import { flatten, PATH_LENGTH_MAX, pointerOf, setAt, stepsOf, unstorableIn, valueAt } from './flatten.ts'
import { SCOPES, type Binding, type KnownRecipe, type ResultRule, type Scope, type Source } from './recipe.ts'

/** Of one parameter: where its value came from. */
export type Origin =
  | { readonly kind: 'literal' | 'default' | 'device' }
  | {
      readonly kind: 'binding'
      readonly runId: string
      readonly seq: number
      readonly param: string
      readonly scope: Scope
    }
  | { readonly kind: 'reference'; readonly runId: string; readonly seq: number; readonly param: string }

export interface Resolved {
  readonly parameters: Record<string, unknown>
  /** By path of a leaf. */
  readonly sources: Readonly<Record<string, Origin>>
  /** Runs that values came from. */
  readonly lineage: readonly { readonly runId: string; readonly via: string }[]
  readonly violations: readonly Violation[]
}

/** How values are found: in the database, or in a test's hands. */
export interface Finder {
  latest(source: Source & { readonly scope: Scope }): Promise<Found | null>
  byReference(reference: string): Promise<Found | null>
}

export const LEAVES_MAX = 5_000
const REFERENCES_MAX = 50

export async function resolveParameters(
  given: Readonly<Record<string, unknown>>,
  { recipe, deviceSchema, finder }: { recipe: KnownRecipe | null; deviceSchema: string | null; finder: Finder },
): Promise<Resolved> {
  const parameters = structuredClone(given) as Record<string, unknown>
  const origins = new Map<string, Origin>()
  const lineage: { runId: string; via: string }[] = []
  const violations: Violation[] = []
  const report = (path: readonly string[], value: unknown, message: string, remedy: string): void =>
    void violations.push({ pointer: `/parameters${pointerOf(path)}`, value: shown(value), message, remedy })

  const unstorable = unstorableIn(given)
  if (unstorable !== null) {
    report([], '', `The text at ${unstorable} cannot be stored.`, 'Remove NULs and half characters.')
    return { parameters, sources: {}, lineage, violations }
  }

  await followReferences(parameters, { finder, origins, lineage, report })
  for (const binding of recipe?.bindings ?? []) await bind(binding, { parameters, finder, origins, lineage })
  const fill = (kind: 'default' | 'device') => (path: string) => void origins.set(path, { kind })
  addMissing(parameters, recipe?.defaults ?? {}, '', fill('default'))
  if (recipe) addMissing(parameters, defaultsOf(recipe.schemaJson), '', fill('default'))
  if (deviceSchema) addMissing(parameters, defaultsOf(deviceSchema), '', fill('device'))
  for (const { param, sources, required } of recipe?.bindings ?? []) {
    const steps = stepsOf(param) ?? []
    if (required && isEmpty(valueAt(parameters, steps)))
      report(
        steps,
        '',
        `It was found nowhere. Tried: ${sources.map(tried).join('; ')}.`,
        'Send it, or run one of these first.',
      )
  }

  const missing = new Set(violations.map(({ pointer }) => pointer))
  for (const schema of [recipe?.schemaJson, deviceSchema])
    if (schema)
      violations.push(
        ...schemaViolations(schema, parameters, '/parameters').filter(({ pointer }) => !missing.has(pointer)),
      )
  const leaves = [...flatten(parameters).keys()]
  if (leaves.length > LEAVES_MAX)
    report([], leaves.length, 'There are too many values.', `Send at most ${LEAVES_MAX}; put the rest into a file.`)
  const long = leaves.find((path) => path.length > PATH_LENGTH_MAX)
  if (long !== undefined)
    report([], long, 'The name of a parameter is too long.', `Use at most ${PATH_LENGTH_MAX} characters.`)
  return { parameters, sources: sourcesOf(leaves, origins), lineage, violations }
}

interface Filling {
  readonly finder: Finder
  readonly origins: Map<string, Origin>
  readonly lineage: { runId: string; via: string }[]
}

/** `{"$ref": "run:<id>#result.payload"}` anywhere in what was sent becomes that value. */
async function followReferences(
  parameters: Record<string, unknown>,
  {
    finder,
    origins,
    lineage,
    report,
  }: Filling & { report: (path: readonly string[], value: unknown, message: string, remedy: string) => void },
): Promise<void> {
  let followed = 0
  const walk = async (inner: Record<string, unknown>, path: string, steps: readonly string[]): Promise<void> => {
    for (const [key, value] of Object.entries(inner)) {
      const at = Array.isArray(inner) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
      const reference = referenceOf(value)
      if (reference === null) {
        if (typeof value === 'object' && value !== null)
          await walk(value as Record<string, unknown>, at, [...steps, key])
        continue
      }
      followed += 1
      const found = followed <= REFERENCES_MAX ? await finder.byReference(reference) : null
      if (!found) {
        report(
          [...steps, key],
          reference,
          'There is no such value.',
          'Write run:<id>#<path>, e.g. run:…#result.payload.',
        )
        continue
      }
      inner[key] = found.value
      origins.set(at, { kind: 'reference', runId: found.runId, seq: found.seq, param: reference.split('#')[1] ?? '' })
      lineage.push({ runId: found.runId, via: at })
    }
  }
  await walk(parameters, '', [])
}

function referenceOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return null
  const { $ref: reference } = value as { readonly $ref?: unknown }
  return typeof reference === 'string' ? reference : null
}

async function bind(
  { param, sources }: Binding,
  { parameters, finder, origins, lineage }: Filling & { parameters: Record<string, unknown> },
): Promise<void> {
  const steps = stepsOf(param)
  if (steps === null || !isEmpty(valueAt(parameters, steps))) return
  for (const source of sources)
    for (const scope of source.scope ? [source.scope] : SCOPES) {
      const found = await finder.latest({ ...source, scope })
      if (!found || !setAt(parameters, steps, found.value)) continue
      origins.set(param, { kind: 'binding', runId: found.runId, seq: found.seq, param: source.param, scope })
      lineage.push({ runId: found.runId, via: param })
      return
    }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** As people read it. */
function tried({ recipe, schema, param, scope, validOnly, sameDevice, maxAgeS }: Source): string {
  const of = recipe === undefined ? `schema ${schema}` : `recipe ${recipe}`
  const limits = [
    ...(validOnly === false ? [] : ['valid']),
    ...(sameDevice ? ['same device'] : []),
    ...(maxAgeS === undefined ? [] : [`at most ${maxAgeS} s old`]),
  ]
  return `${param} of ${of} in ${scope ?? SCOPES.join(', ')}${limits.length > 0 ? ` (${limits.join(', ')})` : ''}`
}

/** Adds what is not there; objects are gone into. */
function addMissing(
  target: Record<string, unknown>,
  defaults: Readonly<Record<string, unknown>>,
  path: string,
  added: (path: string) => void,
): void {
  for (const [key, value] of Object.entries(defaults)) {
    if (key === '__proto__') continue
    const at = path === '' ? key : `${path}.${key}`
    const there = Object.hasOwn(target, key) ? target[key] : undefined
    if (there === undefined) {
      target[key] = structuredClone(value)
      added(at)
    } else if (isObject(there) && isObject(value)) addMissing(there, value, at, added)
  }
}

/** The `default`s of the properties of a schema, as one object. */
function defaultsOf(schemaJson: string): Record<string, unknown> {
  const collect = (schema: unknown, depth: number): Record<string, unknown> => {
    if (depth > 32 || !isObject(schema) || !isObject(schema['properties'])) return {}
    const entries = Object.entries(schema['properties']).flatMap(([key, property]) => {
      if (!isObject(property)) return []
      if ('default' in property) return [[key, property['default']] as const]
      const inner = collect(property, depth + 1)
      return Object.keys(inner).length > 0 ? [[key, inner] as const] : []
    })
    return Object.fromEntries(entries)
  }
  return collect(JSON.parse(schemaJson), 0)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of each leaf: what is known of it or of the nearest thing it lies in; otherwise it was sent. */
function sourcesOf(leaves: readonly string[], origins: ReadonlyMap<string, Origin>): Record<string, Origin> {
  return Object.fromEntries(
    leaves.map((leaf) => {
      for (
        let path = leaf;
        path !== '';
        path = path.slice(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('['), 0))
      ) {
        const origin = origins.get(path)
        if (origin) return [leaf, origin]
      }
      return [leaf, { kind: 'literal' as const }]
    }),
  )
}

/**
 * The result a run begins with, by the rule of its recipe: its schemas, and a payload made of parameters, which a
 * worker's own replaces. A template names parameters in braces: `{out_dir}/{name}`.
 */
export function resultOf(
  { fromParam, template, schemas }: ResultRule,
  parameters: Readonly<Record<string, unknown>>,
): { readonly result: Readonly<Record<string, unknown>>; readonly violations: readonly Violation[] } {
  const violations: Violation[] = []
  const need = (param: string): unknown => {
    const steps = stepsOf(param) ?? []
    const value = valueAt(parameters, steps)
    if (value === undefined)
      violations.push({
        pointer: `/parameters${pointerOf(steps)}`,
        value: '',
        message: 'The result is made of it, and it is missing.',
        remedy: 'Send it.',
      })
    return value
  }
  const filled = template?.replaceAll(/\{([^{}]+)\}/g, (_, param: string) => {
    const value = need(param)
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
  const payload = fromParam === undefined ? filled : need(fromParam)
  return { result: { ...(payload !== undefined && { payload }), ...(schemas && { schemas }) }, violations }
}

function shown(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 80)
}
