/** Recipes, configurations, records, validity and lineage. */
import type { RunState } from '@lucihub/analog'
import type { Http } from './http.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** Where a value may be looked for: this dataset and those above it, the same project and run number, the project. */
export type BindingScope = 'dataset-lineage' | 'session' | 'project'

export interface BindingSource {
  /** The newest run of this recipe, or ... */
  readonly recipe?: string | undefined
  /** ... the newest whose result has this schema. */
  readonly schema?: string | undefined
  /** Path of its parameters, or `result.payload`, `result.summary.x`, ... */
  readonly param: string
  /** Left out: all three in this order. */
  readonly scope?: BindingScope | undefined
  /** Default true. */
  readonly validOnly?: boolean | undefined
  readonly sameDevice?: boolean | undefined
  readonly allowPartial?: boolean | undefined
  readonly maxAgeS?: number | undefined
}

export interface Binding {
  readonly param: string
  /** The first that has a value counts. */
  readonly sources: readonly BindingSource[]
  readonly required?: boolean | undefined
}

export interface RecipeDefinition {
  readonly jobType: string
  readonly description?: string
  /** JSON Schema, draft 2020-12. */
  readonly parameterSchema: JsonObject
  readonly defaults?: JsonObject
  readonly bindings?: readonly Binding[]
  readonly result?: ResultRule
  readonly hooks?: JsonObject
}

/** The payload of runs whose worker hands in none, and the schemas that it fits. */
export interface ResultRule {
  readonly fromParam?: string | undefined
  /** With parameters in braces: `{out_dir}/{name}`. */
  readonly template?: string | undefined
  readonly schemas?: readonly string[] | undefined
}

export interface RecipeResource extends Required<RecipeDefinition> {
  readonly name: string
  readonly version: number
  /** sha256, hex. */
  readonly schemaHash: string
  readonly createdBy: string | null
  readonly createdAt: string
}

export interface RecipePage {
  readonly recipes: readonly RecipeResource[]
  readonly nextCursor: string | null
}

export interface RecipeRecordResource {
  readonly runId: string
  readonly seq: number
  readonly submittedAt: string
  readonly endedAt: string | null
  readonly recipeVersion: number | null
  readonly generalConfigId: string | null
  readonly execConfigId: string | null
  readonly path: string
  readonly runNo: number | null
  /** By column; null where the run has none. */
  readonly values: JsonObject
  readonly result: {
    readonly status: string
    readonly summary: unknown
    readonly payload: unknown
    readonly schemas: readonly string[]
  }
  readonly valid: boolean
  readonly stale: boolean
}

export interface RecordPage {
  /** Every parameter that any of the runs has. */
  readonly columns: readonly string[]
  /** Oldest first. */
  readonly records: readonly RecipeRecordResource[]
  readonly nextCursor: string | null
}

export interface RecordFilter {
  /** Slug. */
  readonly project?: string
  readonly run_no?: number
  readonly valid?: boolean
  /** Key that the summary has. */
  readonly summary?: string
  readonly cursor?: string
  /** 1 to 200, default 100. */
  readonly limit?: number
}

export interface GeneralConfigResource {
  readonly id: string
  readonly title: string
  readonly project: string
  readonly runNo: number | null
  readonly date: string
  readonly softwareVersion: string
  readonly timeoutS: number | null
  readonly createdAt: string
}

export interface ExecConfigResource {
  readonly id: string
  readonly env: Readonly<Record<string, string>>
  readonly pollIntervalS: number
  readonly transports: readonly string[]
  readonly createdAt: string
}

export interface LatestQuery {
  /** Name of a recipe; or give a `schema`. */
  readonly task?: string
  readonly schema?: string
  readonly param: string
  /** Default true. */
  readonly valid_only?: boolean
  readonly allow_partial?: boolean
  readonly run_no?: number
  /** Path below the project. */
  readonly dataset?: string
  readonly max_age_s?: number
  readonly scope?: BindingScope
}

export interface LatestResource {
  readonly value: unknown
  readonly runId: string
  readonly seq: number
  readonly valid: boolean
  readonly path: string
  readonly endedAt: string
}

export interface ValidityResource {
  readonly valid: boolean
  readonly stale: boolean
  readonly events: readonly {
    readonly seq: number
    readonly valid: boolean
    readonly reason: string
    readonly actor: string
    readonly at: string
  }[]
}

export interface LineageEntryResource {
  readonly runId: string
  readonly seq: number
  readonly path: string
  readonly recipe: string
  readonly state: RunState
  readonly valid: boolean
  readonly stale: boolean
  /** Steps away. */
  readonly distance: number
  /** Of a direct one: the parameters that came along, or `input`. */
  readonly via: readonly string[]
}

export interface LineageResource {
  readonly run: LineageEntryResource
  /** What it was made from, the nearest first. */
  readonly ancestors: readonly LineageEntryResource[]
  readonly descendants: readonly LineageEntryResource[]
  readonly truncated: boolean
}

export interface RunRecordResource {
  readonly runId: string
  readonly recipe: string
  readonly status: RunState
  readonly valid: boolean
  readonly stale: boolean
  readonly parameters: JsonObject
  readonly paramSources: JsonObject
  readonly result: JsonObject
  readonly versions: JsonObject
  readonly generalConfigId: string | null
  readonly execConfigId: string | null
}

export interface RejectedPage {
  readonly submissions: readonly {
    readonly id: string
    readonly at: string
    readonly ownerId: string
    readonly recipe: string
    readonly body: JsonObject
    readonly violations: readonly JsonObject[]
  }[]
  readonly nextCursor: string | null
}

/** The outcome of a run, as its worker tells it. */
export interface WorkerRecord {
  readonly summary?: string | JsonObject
  /** JSON of at most 64 KiB, or `{"$artifact": <name or id of a file of the run>}`. */
  readonly payload?: unknown
  readonly schemas?: readonly string[]
}

export interface RecordsClient {
  recipes(page?: { cursor?: string; limit?: number }): Promise<RecipePage>
  /** The latest version, or the one asked for. */
  recipe(name: string, options?: { version?: number }): Promise<RecipeResource>
  recipeVersions(name: string): Promise<readonly RecipeResource[]>
  /** Makes a version when it says something new. */
  putRecipe(name: string, definition: RecipeDefinition): Promise<RecipeResource>
  /** `record`: a run, for exactly the schema that it was checked with. */
  recipeSchema(name: string, options?: { version?: number; record?: string }): Promise<JsonObject>
  /** `where`: only runs with these values, by path. */
  records(recipe: string, filter?: RecordFilter, where?: JsonObject): Promise<RecordPage>
  recordsCsv(recipe: string, filter?: RecordFilter, where?: JsonObject): Promise<string>
  config(id: string): Promise<GeneralConfigResource>
  execConfig(id: string): Promise<ExecConfigResource>
  /** The newest value. Rejects with `not-found` when there is none. */
  latest(project: string, query: LatestQuery): Promise<LatestResource>
  record(runId: string): Promise<RunRecordResource>
  validity(runId: string): Promise<ValidityResource>
  /** Gives the runs that changed; `cascade` with `valid: false` only. */
  setValidity(
    runId: string,
    change: { valid: boolean; reason: string; cascade?: boolean },
  ): Promise<{ readonly valid: boolean; readonly changed: readonly string[] }>
  lineage(runId: string): Promise<LineageResource>
  /** For a client with a run key. */
  handIn(runId: string, record: WorkerRecord): Promise<{ readonly result: JsonObject }>
  rejected(filter?: { recipe?: string; cursor?: string; limit?: number }): Promise<RejectedPage>
}

export function recordsClient({ request, json }: Http): RecordsClient {
  const recipe = (name: string): string => `/recipes/${encodeURIComponent(name)}`
  const run = (id: string): string => `/runs/${encodeURIComponent(id)}`
  const table = (filter: RecordFilter, where: JsonObject) => ({
    ...filter,
    ...Object.fromEntries(Object.entries(where).map(([path, value]) => [`param.${path}`, String(value)])),
  })
  return {
    recipes: (page = {}) => json('/recipes', { query: { ...page } }),
    recipe: (name, options = {}) => json(recipe(name), { query: { ...options } }),
    recipeVersions: async (name) => (await json<{ versions: RecipeResource[] }>(`${recipe(name)}/versions`)).versions,
    putRecipe: (name, body) => json(recipe(name), { method: 'PUT', body }),
    recipeSchema: (name, options = {}) => json(`${recipe(name)}/schema`, { query: { ...options } }),
    records: (name, filter = {}, where = {}) => json(`${recipe(name)}/records`, { query: table(filter, where) }),
    recordsCsv: async (name, filter = {}, where = {}) => {
      const query = { ...table(filter, where), format: 'csv' }
      return (await request(`${recipe(name)}/records`, { query, headers: { accept: '*/*' } })).text()
    },
    config: (id) => json(`/configs/${encodeURIComponent(id)}`),
    execConfig: (id) => json(`/exec-configs/${encodeURIComponent(id)}`),
    latest: (project, query) => json(`/projects/${encodeURIComponent(project)}/latest`, { query: { ...query } }),
    record: (id) => json(`${run(id)}/record`),
    validity: (id) => json(`${run(id)}/validity`),
    setValidity: (id, body) => json(`${run(id)}/validity`, { method: 'POST', body }),
    lineage: (id) => json(`${run(id)}/lineage`),
    handIn: (id, body) => json(`/worker${run(id)}/record`, { method: 'PUT', body }),
    rejected: (filter = {}) => json('/rejected-submissions', { query: { ...filter } }),
  }
}
