/** Before a run is stored: its parameters are filled in and judged. What is refused leaves a trace of its own. */
import { Injectable } from '@nestjs/common'
import { RUN_KINDS, type Violation } from '@lucihub/analog'
import { runKind, type RunSpec } from '@lucihub/contracts'
import type { Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import type { RunRecord } from '../runs/insertion.ts'
import { isUuid, uuid7 } from '../runs/uuid7.ts'
import { Places } from '../tree/places.ts'
import { configViolations } from './configurations.ts'
import { Findings, type Standpoint } from './findings.ts'
import { unstorableIn } from './flatten.ts'
import { resolveParameters, resultOf } from './parameters.ts'
import type { KnownRecipe } from './recipe.ts'
import { RecipeRepository } from './recipe-repository.ts'

const DEVICE_SCHEMA: Statement = {
  name: 'device-parameter-schema',
  text: 'SELECT parameter_schema::text AS schema FROM device WHERE id = $1 AND parameter_schema IS NOT NULL',
}
/** Of one owner the last thousand are kept. */
const REJECT: Statement = {
  name: 'reject-submission',
  text: `WITH old AS (DELETE FROM rejected_submission WHERE owner_id = $2 AND id <= (
      SELECT id FROM rejected_submission WHERE owner_id = $2 ORDER BY id DESC OFFSET 999 LIMIT 1))
    INSERT INTO rejected_submission (id, owner_id, recipe, body, violations) VALUES ($1, $2, $3, $4, $5)`,
}
const BODY_BYTES_MAX = 65_536

/** What a run is to be made of. */
export interface Wanted {
  readonly spec: RunSpec
  readonly asker: Asker
  /** Empty: none is named. */
  readonly deviceId: string
}

export interface Prepared {
  readonly record: RunRecord
  readonly violations: readonly Violation[]
}

@Injectable()
export class Preparation {
  constructor(
    private readonly database: Database,
    private readonly places: Places,
    private readonly recipes: RecipeRepository,
    private readonly findings: Findings,
  ) {}

  /** The recipe, and the type of a job, which it says where the job does not; and what is wrong with either. */
  async task(
    spec: RunSpec,
  ): Promise<{ recipe: KnownRecipe | null; jobType: string; violations: readonly Violation[] }> {
    const recipe = spec.recipe === '' ? null : await this.recipes.known(spec.recipe)
    const violations: Violation[] = []
    const report = (pointer: string, value: string, message: string, remedy: string): void =>
      void violations.push({ pointer, value: value.slice(0, 80), message, remedy })
    if (spec.recipe !== '' && !recipe)
      report('/recipe', spec.recipe, 'There is no such recipe.', 'Use the name of a recipe in the list of recipes.')
    if (!spec.job) return { recipe, jobType: '', violations: [...violations, ...otherKind(spec, recipe)] }
    const jobType = spec.job.jobType || (recipe?.jobType ?? '')
    if (recipe && recipe.jobType !== jobType)
      report('/jobType', jobType, `The recipe is for jobs of type "${recipe.jobType}".`, 'Leave the type out.')
    else if (!recipe && jobType !== '' && !jobType.includes('\0') && !(await this.recipes.hasJobType(jobType)))
      report('/jobType', jobType, 'There is no such type of job.', 'Put a recipe for jobs of this type first.')
    return { recipe, jobType, violations }
  }

  /** Problems: those of its place, where values are looked for from there. */
  async record({ spec, asker, deviceId }: Wanted, recipe: KnownRecipe | null): Promise<Prepared> {
    const given = objectOf(spec.parametersJson)
    if (!given) return { record: EMPTY_RECORD, violations: [NO_OBJECT] }
    const deviceSchema = deviceId === '' ? null : await this.deviceSchema(deviceId)
    let standpoint: Promise<Standpoint | null> | null = null
    const here = (): Promise<Standpoint | null> => (standpoint ??= this.standpoint(asker, spec, deviceId))
    const resolved = await resolveParameters(given, {
      recipe,
      deviceSchema,
      finder: {
        latest: async (source) => {
          const from = await here()
          return from && this.findings.latest(source, from)
        },
        byReference: (reference) => this.findings.byReference(asker, reference),
      },
    })
    const made = resultOf(recipe?.result ?? {}, resolved.parameters)
    const input = await this.inputRun(asker, spec)
    return {
      record: {
        recipe: spec.recipe,
        recipeVersion: recipe?.version ?? null,
        parameters: resolved.parameters,
        paramSources: resolved.sources,
        lineage: [...resolved.lineage, ...(input.runId ? [{ runId: input.runId, via: 'input' }] : [])],
        result: made.result,
      },
      violations: [
        ...resolved.violations,
        ...(resolved.violations.length === 0 ? made.violations : []),
        ...configViolations(spec),
        ...input.violations,
      ],
    }
  }

  /** Keeps that a submission was refused, and why. */
  async reject({ spec, asker }: Wanted, violations: readonly Violation[]): Promise<void> {
    const { kind, title, source, deviceId, place, split, job, recipe, parametersJson, tags, notes } = spec
    const sourceBytes = Buffer.byteLength(source)
    const body = { kind, title, sourceBytes, deviceId, place, split, job, recipe, parametersJson, tags, notes }
    const text = unstorableIn(body) === null && !/\\u0000/.test(JSON.stringify(body)) ? JSON.stringify(body) : '{}'
    const told = violations.map((violation) => ({ ...violation, value: violation.value.replaceAll('\0', '') }))
    await this.database.query(REJECT, [
      uuid7(Date.now()),
      asker.userId,
      spec.recipe.replaceAll('\0', '').slice(0, 200),
      text.length <= BODY_BYTES_MAX ? text : JSON.stringify({ recipe: spec.recipe, bytes: text.length }),
      unstorableIn(told) === null ? JSON.stringify(told) : '[]',
    ])
  }

  private async deviceSchema(deviceId: string): Promise<string | null> {
    return (await this.database.query<{ readonly schema: string }>(DEVICE_SCHEMA, [deviceId]))[0]?.schema ?? null
  }

  private async standpoint(asker: Asker, spec: RunSpec, deviceId: string): Promise<Standpoint | null> {
    const place = await this.places.placeOf(asker, spec.place ?? null)
    return place && { projectId: place.projectId, datasetId: place.datasetId, runNo: place.runNo, deviceId }
  }

  /** The run that a job's input names, if it names one. */
  private async inputRun(asker: Asker, { job }: RunSpec): Promise<{ runId: string; violations: readonly Violation[] }> {
    const { run, $ref } = (job?.inputKind === 'ref' && objectOf(job.inputJson)) || {}
    const named = String(run ?? $ref ?? '').replace(/^run:/, '')
    const runId = named.split('#')[0] ?? ''
    if (!isUuid(runId)) return { runId: '', violations: [] }
    if (await this.findings.sees(asker, runId)) return { runId, violations: [] }
    const remedy = 'Name a run that you may read.'
    const pointer = run === undefined ? '/input/$ref' : '/input/run'
    return { runId: '', violations: [{ pointer, value: runId, message: 'There is no such run.', remedy }] }
  }
}

const EMPTY_RECORD: RunRecord = {
  recipe: '',
  recipeVersion: null,
  parameters: {},
  paramSources: {},
  lineage: [],
  result: {},
}
const NO_OBJECT: Violation = {
  pointer: '/parameters',
  value: '',
  message: 'This is no JSON object.',
  remedy: 'Send a JSON object.',
}

/** A recipe for simulations is no recipe for anything else. */
function otherKind({ kind }: RunSpec, recipe: KnownRecipe | null): Violation[] {
  const word = RUN_KINDS.find((known) => runKind.toProto(known) === kind)
  if (!recipe || recipe.jobType === word) return []
  const message = `The recipe is for jobs of type "${recipe.jobType}".`
  return [{ pointer: '/recipe', value: recipe.name, message, remedy: 'Use a recipe for this kind of run.' }]
}

/** Null for what is no JSON object; an empty text is an empty one. */
function objectOf(json: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(json || '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    // Said by the caller.
    return null
  }
}
