/**
 * What runs have in common: the general configuration (title, project, session, date, software, time limit) and the
 * execution configuration (environment, polling, transports). Each is one row per content, named by its hash, and is
 * inserted with the run, in the same statement.
 */
import { Injectable } from '@nestjs/common'
import { Problem, type Violation } from '@lucihub/analog'
import type { ExecConfig, GeneralConfig, RunSpec } from '@lucihub/contracts'
import { mayReadRun, type Asker } from '../access/rights.ts'
import { Database, type Statement } from '../database/database.ts'
import { isUuid } from '../runs/uuid7.ts'
import { contentHash, contentId } from './canonical-json.ts'

export const SOFTWARE_VERSION = '0.1.0'
/** Variables of other names are none of our business. */
const ENV_PREFIXES = ['LUCIHUB_', 'LUTE_', 'SLURM_']
/** A name with one of these may hold a secret: it is not kept, whatever it begins with. */
const SECRET = /SECRET|TOKEN|PASS|KEY|CREDENTIAL|PRIVATE|AUTH|COOKIE|SIGNATURE|JWT|_TENV_/i
const ENV_MAX = { names: 200, length: 4_096 } as const
const POLL_MAX_S = 86_400
const TRANSPORTS_MAX = 20

export interface KeptConfig<T> {
  readonly id: string
  readonly hash: Buffer
  readonly body: T
}

export interface GeneralBody {
  readonly title: string
  /** Slug; empty: of no project. */
  readonly project: string
  readonly runNo: number
  readonly date: string
  readonly softwareVersion: string
  readonly timeoutS: number
}

export interface ExecBody {
  readonly env: Readonly<Record<string, string>>
  readonly pollIntervalS: number
  readonly transports: readonly string[]
}

export function generalConfigOf(
  spec: RunSpec,
  { project, runNo }: { project: string; runNo: number },
): KeptConfig<GeneralBody> {
  const said = objectOf(spec.configJson)
  const text = (key: string, otherwise: string): string => {
    const value = said[key]
    return typeof value === 'string' ? value : otherwise
  }
  return kept({
    title: text('title', spec.title),
    project,
    runNo,
    date: text('date', ''),
    softwareVersion: text('softwareVersion', SOFTWARE_VERSION),
    timeoutS: spec.timeoutS,
  })
}

export function execConfigOf(spec: RunSpec): KeptConfig<ExecBody> {
  const { env, pollIntervalS, transports } = objectOf(spec.execJson)
  const variables = typeof env === 'object' && env !== null ? Object.entries(env) : []
  const known = variables.filter(([name, value]) => typeof value === 'string' && mayBeKept(name))
  return kept({
    env: Object.fromEntries(known) as Record<string, string>,
    pollIntervalS: typeof pollIntervalS === 'number' ? pollIntervalS : 0,
    transports: Array.isArray(transports) ? transports.map(String) : [],
  })
}

/** True for a variable that is of interest and does not look like a secret. */
export function mayBeKept(name: string): boolean {
  return ENV_PREFIXES.some((prefix) => name.startsWith(prefix)) && !SECRET.test(name)
}

/** Bounds of both. */
export function configViolations(spec: RunSpec): Violation[] {
  const { env = {}, pollIntervalS = 0, transports = [] } = objectOf(spec.execJson)
  const tooMuch =
    Object.entries(env as object).length > ENV_MAX.names ||
    Object.values(env as object).some((value) => String(value).length > ENV_MAX.length)
  const breach = (pointer: string, message: string, remedy: string): Violation => ({
    pointer,
    value: '',
    message,
    remedy,
  })
  return [
    ...(tooMuch
      ? [breach('/exec/env', 'The environment is too large.', `Send at most ${ENV_MAX.names} variables.`)]
      : []),
    ...(Number(pollIntervalS) < 0 || Number(pollIntervalS) > POLL_MAX_S
      ? [breach('/exec/pollIntervalS', 'The value is out of bounds.', `Use 0 to ${POLL_MAX_S} seconds.`)]
      : []),
    ...((transports as unknown[]).length > TRANSPORTS_MAX
      ? [breach('/exec/transports', 'There are too many transports.', `Name at most ${TRANSPORTS_MAX}.`)]
      : []),
  ]
}

function kept<T>(body: T): KeptConfig<T> {
  const hash = contentHash(body)
  return { id: contentId(hash), hash, body }
}

function objectOf(json: string): Readonly<Record<string, unknown>> {
  return json === '' ? {} : (JSON.parse(json) as Record<string, unknown>)
}

/** Who may read a run may read what it was configured with. */
const SEEN = (column: string): string =>
  `EXISTS (SELECT FROM run r WHERE r.${column} = c.id AND ${mayReadRun('r', { user: '$1', role: '$2' })})`
const GENERAL: Statement = {
  name: 'general-config',
  text: `SELECT c.id, c.title, c.project, c.run_no AS "runNo", c.date, c.software_version AS "softwareVersion", c.timeout_s AS "timeoutS",
      c.created_at FROM general_config c WHERE c.id = $3 AND ${SEEN('general_config_id')}`,
}
const EXEC: Statement = {
  name: 'exec-config',
  text: `SELECT c.id, c.env::text AS "envJson", c.poll_interval_s AS "pollIntervalS", c.transports, c.created_at
    FROM exec_config c WHERE c.id = $3 AND ${SEEN('exec_config_id')}`,
}

@Injectable()
export class Configurations {
  constructor(private readonly database: Database) {}

  /** Problem `not-found` also for one that the asker has no run of. */
  general(asker: Asker, id: string): Promise<GeneralConfig> {
    return this.find<GeneralConfig>(GENERAL, asker, id)
  }

  /** As {@link general}. */
  exec(asker: Asker, id: string): Promise<ExecConfig> {
    return this.find<ExecConfig>(EXEC, asker, id)
  }

  private async find<T>(statement: Statement, { userId, role }: Asker, id: string): Promise<T> {
    type Row = T & { readonly created_at: Date }
    const [row] = isUuid(id) ? await this.database.query<Row>(statement, [userId, role, id]) : []
    if (!row) throw new Problem('not-found', `There is no configuration ${id.slice(0, 80)}.`)
    const { created_at, ...config } = row
    return { ...(config as T), createdAtMs: created_at.getTime() }
  }
}
