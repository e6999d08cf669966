/** `run-store fsck`: everything that is stored, read again and held against its digests. */
import type { Queries } from '../database/database.ts'
import { verifyAudit } from '../people/audit.ts'
import { keepIndex } from '../records/keeping.ts'
import { blobFindings, indexFindings, inputFindings, pageFindings, SQL_CHECKS, type Finding } from './checks.ts'
import { inSession, type MaintenanceSession } from './session.ts'

export interface Report {
  readonly findings: readonly Finding[]
  /** Runs whose index of parameters was made again. */
  readonly repaired: readonly string[]
}

export async function fsck(url: string, { repairIndex }: { readonly repairIndex: boolean }): Promise<Report> {
  return inSession(url, repairIndex ? 'write' : 'read', async (session) => {
    const findings: Finding[] = []
    for (const [check, text] of Object.entries(SQL_CHECKS))
      for await (const { what } of session.rows<{ readonly what: string }>(text, [], 1000))
        findings.push({ check, what })
    for (const look of [blobFindings, inputFindings, pageFindings])
      for await (const finding of look(session)) findings.push(finding)
    const { brokenAt } = await verifyAudit(queriesOf(session))
    if (brokenAt !== 0) findings.push({ check: 'audit', what: `entry ${brokenAt} does not follow from the one before` })
    const wrong: (Finding & { readonly runId: string })[] = []
    for await (const finding of indexFindings(session)) wrong.push(finding)
    if (!repairIndex)
      return { findings: [...findings, ...wrong.map(({ check, what }) => ({ check, what }))], repaired: [] }
    for (const { runId } of wrong) {
      await session.query('DELETE FROM parameter_index WHERE run_id = $1', [runId])
      const [run] = await session.query<{ readonly parameters: Readonly<Record<string, unknown>> }>(
        'SELECT parameters FROM run WHERE id = $1',
        [runId],
      )
      await keepIndex(queriesOf(session), runId, run?.parameters ?? {})
    }
    return { findings, repaired: wrong.map(({ runId }) => runId) }
  })
}

function queriesOf(session: MaintenanceSession): Queries {
  return { query: ({ text }, values) => session.query(text, values) }
}
