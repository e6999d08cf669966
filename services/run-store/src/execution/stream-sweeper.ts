/**
 * Takes the records of ended runs out of the stream. Only what is settled in Postgres is swept, and the mark
 * that it was comes last: a crash in between leaves copies that the next tick finds, never a hole.
 */
import { Injectable } from '@nestjs/common'
import { feeds } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { crashPoint } from '@lucihub/service-kit'
import { Database, type Statement } from '../database/database.ts'

const UNPURGED: Statement = {
  name: 'unpurged',
  text: `SELECT t.run_id, array_agg(DISTINCT a.host || '/' || a.device_id) FILTER (WHERE a.epoch > 0) AS addresses
    FROM (SELECT run_id FROM run_terminal WHERE NOT purged AND at < now() - interval '2 s' ORDER BY at LIMIT 200) t
      LEFT JOIN attempt a ON a.run_id = t.run_id
    GROUP BY t.run_id`,
}
const PURGED: Statement = {
  name: 'purged',
  text: 'UPDATE run_terminal SET purged = true WHERE run_id = ANY ($1::uuid[])',
}

@Injectable()
export class StreamSweeper {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  async sweep(): Promise<void> {
    const runs = await this.database.query<{ readonly run_id: string; readonly addresses: readonly string[] | null }>(
      UNPURGED,
    )
    if (runs.length === 0) return
    for (const { run_id, addresses } of runs) {
      for (const address of addresses ?? []) {
        const [host = '', deviceId = ''] = address.split('/')
        await this.bus.purge(feeds.journal, [host, deviceId, run_id])
      }
    }
    crashPoint('streams-purged')
    await this.database.query(PURGED, [runs.map((run) => run.run_id)])
  }
}
