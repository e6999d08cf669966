/** What ends a run before its time, and attempts that wait at their device for their turn. */
import type { MigrationInterface, QueryRunner } from 'typeorm'

const UP = [
  // Halt conditions in the domain's words, as they were asked for.
  `ALTER TABLE run ADD halt jsonb NOT NULL DEFAULT '[]'`,
]
const DOWN = ['ALTER TABLE run DROP halt']

export class Execution1764000000000 implements MigrationInterface {
  readonly name = 'Execution1764000000000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement)
  }
}
