/** From a queue of runs to a store of them: people, the tree of data, shards, records, campaigns. */
import type { MigrationInterface, QueryRunner } from 'typeorm'
import { CAMPAIGNS, CAMPAIGNS_UNDONE } from './campaigns.ts'
import { PEOPLE, PEOPLE_UNDONE } from './people.ts'
import { RECORDS, RECORDS_UNDONE } from './records.ts'
import { RUN_COLUMNS_ADDED, RUN_COLUMNS_REMOVED } from './run-columns.ts'
import { SHARDS, SHARDS_UNDONE } from './shards.ts'
import { TREE, TREE_UNDONE } from './tree.ts'

export class ProjectsAndRecords1763800000000 implements MigrationInterface {
  readonly name = 'ProjectsAndRecords1763800000000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...PEOPLE, ...TREE, ...RUN_COLUMNS_ADDED, ...SHARDS, ...RECORDS, ...CAMPAIGNS])
      await runner.query(statement)
  }

  /** Runs of kinds that the older schema does not know, and parts of runs, do not survive the way down. */
  async down(runner: QueryRunner): Promise<void> {
    for (const statement of [...CAMPAIGNS_UNDONE, ...RECORDS_UNDONE, ...SHARDS_UNDONE]) await runner.query(statement)
    await runner.query(
      `DELETE FROM run_terminal USING run WHERE run.id = run_id AND (run.engine = 'worker' OR run.parent_id IS NOT NULL)`,
    )
    await runner.query(`DELETE FROM run WHERE engine = 'worker' OR parent_id IS NOT NULL`)
    for (const statement of [...RUN_COLUMNS_REMOVED, ...TREE_UNDONE, ...PEOPLE_UNDONE]) await runner.query(statement)
    await runner.query(`ALTER TABLE run ADD CONSTRAINT run_kind_check CHECK (kind IN ('compile', 'simulate', 'run'))`)
  }
}
