/** The statements about recipes. A version never changes; a recipe that says something new is a new version. */
import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import type { Actor, Recipe } from '@lucihub/contracts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { audit } from '../people/audit.ts'
import { isUuid } from '../runs/uuid7.ts'
import { canonicalJson } from './canonical-json.ts'
import { checkRecipe, type Binding, type KnownRecipe, type ResultRule } from './recipe.ts'

const COLUMNS = `p.name, p.version, p.job_type, p.description, p.schema_hash, s.body::text AS schema_json, p.defaults::text AS defaults_json,
  p.bindings::text AS bindings_json, p.result::text AS result_json, p.hooks::text AS hooks_json, p.created_by, p.created_at`
const FROM = 'FROM recipe p JOIN parameter_schema s ON s.hash = p.schema_hash'

interface RecipeRow {
  readonly name: string
  readonly version: number
  readonly job_type: string
  readonly description: string
  readonly schema_hash: Buffer
  readonly schema_json: string
  readonly defaults_json: string
  readonly bindings_json: string
  readonly result_json: string
  readonly hooks_json: string
  readonly created_by: string | null
  readonly created_at: Date
}

const LATEST: Statement = {
  name: 'recipe-latest',
  text: `SELECT ${COLUMNS} ${FROM} WHERE p.name = $1 ORDER BY p.version DESC LIMIT 1`,
}
const VERSION: Statement = {
  name: 'recipe-version',
  text: `SELECT ${COLUMNS} ${FROM} WHERE p.name = $1 AND p.version = $2`,
}
const OF_RUN: Statement = {
  name: 'recipe-of-run',
  text: `SELECT r.recipe_version AS version FROM run r WHERE r.id = $3 AND r.recipe = $4 AND ${mayReadRun('r', { user: '$1', role: '$2' })}`,
}
const LIST: Statement = {
  name: 'recipe-list',
  text: `SELECT DISTINCT ON (p.name) ${COLUMNS} ${FROM} WHERE p.name > $1 ORDER BY p.name, p.version DESC LIMIT $2`,
}
const VERSIONS: Statement = {
  name: 'recipe-versions',
  text: `SELECT ${COLUMNS} ${FROM} WHERE p.name = $1 ORDER BY p.version DESC LIMIT 200`,
}
/** Whoever changes a recipe takes turns with others who do. */
const LOCK: Statement = {
  name: 'recipe-lock',
  text: `SELECT pg_advisory_xact_lock(4918277, hashtext($1))`,
}
const KEEP_SCHEMA: Statement = {
  name: 'recipe-schema',
  text: 'INSERT INTO parameter_schema (hash, body) VALUES ($1, $2) ON CONFLICT DO NOTHING',
}
const INSERT: Statement = {
  name: 'recipe-insert',
  text: `INSERT INTO recipe (name, version, job_type, description, schema_hash, defaults, bindings, result, hooks, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT id FROM app_user WHERE id::text = $10))`,
}
const JOB_TYPE: Statement = { name: 'recipe-job-type', text: 'SELECT FROM recipe WHERE job_type = $1 LIMIT 1' }

@Injectable()
export class RecipeRepository {
  constructor(private readonly database: Database) {}

  /** The latest version, or a new one when this says something new. Problems: `validation-failed`; `forbidden` for a recipe of somebody else. */
  async put(actor: Actor, wanted: Recipe): Promise<{ readonly recipe: Recipe; readonly made: boolean }> {
    checkRecipe(wanted)
    const schema = canonicalJson(JSON.parse(wanted.schemaJson))
    const hash = createHash('sha256').update(schema).digest()
    return this.database.transaction(async (transaction) => {
      await transaction.query(LOCK, [wanted.name])
      const [latest] = await transaction.query<RecipeRow>(LATEST, [wanted.name])
      if (latest && saying(recipeToProto(latest), latest.schema_hash) === saying(wanted, hash))
        return { recipe: recipeToProto(latest), made: false }
      if (latest && latest.created_by !== actor.userId && actor.role === 'user')
        throw new Problem('forbidden', `The recipe "${wanted.name}" is somebody else's. Give yours another name.`)
      await transaction.query(KEEP_SCHEMA, [hash, schema])
      const version = (latest?.version ?? 0) + 1
      await transaction.query(INSERT, [
        wanted.name,
        version,
        wanted.jobType,
        wanted.description,
        hash,
        wanted.defaultsJson || '{}',
        wanted.bindingsJson || '[]',
        wanted.resultJson || '{}',
        wanted.hooksJson || '{}',
        actor.userId,
      ])
      const [made] = await transaction.query<RecipeRow>(VERSION, [wanted.name, version])
      if (!made) throw new Problem('internal', 'A recipe that was stored is not there.')
      await audit(transaction, { actor, action: 'recipe.put', object: wanted.name, outcome: 'ok', detail: { version } })
      return { recipe: recipeToProto(made), made: true }
    })
  }

  /** `version` 0: the latest; `runId`: the one that this run was submitted with. Problem `not-found`. */
  async get(
    { userId, role }: Asker,
    { name, version, runId }: { readonly name: string; readonly version: number; readonly runId: string },
  ): Promise<Recipe> {
    let wanted = version
    if (runId !== '') {
      const values = [userId, role, runId, name]
      const [run] = isUuid(runId) ? await this.database.query<{ version: number | null }>(OF_RUN, values) : []
      if (!run?.version) throw new Problem('not-found', `Recipe "${name}" has no record ${runId.slice(0, 80)}.`)
      wanted = run.version
    }
    const row = await this.row(name, wanted)
    if (row) return recipeToProto(row)
    const which = wanted === 0 ? '' : ` of version ${wanted}`
    throw new Problem('not-found', `There is no recipe "${name.slice(0, 80)}"${which}.`)
  }

  /** To fill in parameters with; null when there is none. */
  async known(name: string): Promise<KnownRecipe | null> {
    const row = await this.row(name, 0)
    return row
      ? {
          name: row.name,
          version: row.version,
          jobType: row.job_type,
          schemaJson: row.schema_json,
          defaults: JSON.parse(row.defaults_json) as Record<string, unknown>,
          bindings: JSON.parse(row.bindings_json) as Binding[],
          result: JSON.parse(row.result_json) as ResultRule,
        }
      : null
  }

  /** True when some recipe is for jobs of this type. */
  async hasJobType(jobType: string): Promise<boolean> {
    return (await this.database.query(JOB_TYPE, [jobType])).length > 0
  }

  /** The latest of each, by name; one more than asked for where there are more. */
  async list({ after, limit }: { readonly after: string; readonly limit: number }): Promise<Recipe[]> {
    return (await this.database.query<RecipeRow>(LIST, [after, limit + 1])).map(recipeToProto)
  }

  /** Newest first. Problem `not-found`. */
  async versions(name: string): Promise<Recipe[]> {
    const rows = name.includes('\0') ? [] : await this.database.query<RecipeRow>(VERSIONS, [name])
    if (rows.length === 0) throw new Problem('not-found', `There is no recipe "${name.slice(0, 80)}".`)
    return rows.map(recipeToProto)
  }

  private async row(name: string, version: number): Promise<RecipeRow | undefined> {
    if (name.includes('\0') || version > 0x7fffffff) return undefined
    const [row] =
      version === 0
        ? await this.database.query<RecipeRow>(LATEST, [name])
        : await this.database.query<RecipeRow>(VERSION, [name, version])
    return row
  }
}

function recipeToProto(row: RecipeRow): Recipe {
  return {
    name: row.name,
    version: row.version,
    jobType: row.job_type,
    description: row.description,
    schemaJson: row.schema_json,
    schemaHash: row.schema_hash,
    defaultsJson: row.defaults_json,
    bindingsJson: row.bindings_json,
    resultJson: row.result_json,
    hooksJson: row.hooks_json,
    createdBy: row.created_by ?? '',
    createdAtMs: row.created_at.getTime(),
  }
}

/** What a recipe says, as one text. */
function saying(
  { jobType, description, defaultsJson, bindingsJson, resultJson, hooksJson }: Recipe,
  schemaHash: Buffer,
): string {
  const parts = [defaultsJson || '{}', bindingsJson || '[]', resultJson || '{}', hooksJson || '{}']
  return canonicalJson([
    jobType,
    description,
    schemaHash.toString('hex'),
    ...parts.map((part) => JSON.parse(part) as unknown),
  ])
}
