/** Devices that have to be approved before anybody gets them, what is pinned of those that are, and when they are offered. */
import type { MigrationInterface, QueryRunner } from 'typeorm'

export class DeviceApproval1763900000000 implements MigrationInterface {
  readonly name = 'DeviceApproval1763900000000'

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of ADDED) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of REMOVED) await runner.query(statement)
  }
}

/**
 * Devices that the hub knew before are approved: they were leased all the time. `pinned`: JSON of what an approved
 * device has to stay (see identity.ts); `{}` until it is seen next. `pinned_at`: the host:port where it was trusted.
 */
const ADDED = [
  `ALTER TABLE device
    ADD approval text NOT NULL DEFAULT 'approved' CHECK (approval IN ('candidate', 'approved', 'quarantined')),
    ADD approval_reason text NOT NULL DEFAULT '',
    ADD approval_since timestamptz NOT NULL DEFAULT now(),
    ADD pinned jsonb NOT NULL DEFAULT '{}',
    ADD pinned_at text COLLATE "C" NOT NULL DEFAULT '',
    ADD source text NOT NULL DEFAULT '',
    ADD generation text NOT NULL DEFAULT '',
    ADD firmware text NOT NULL DEFAULT '',
    ADD stack int,
    ADD carrier int,
    ADD also_at text[] NOT NULL DEFAULT '{}',
    ADD drained boolean NOT NULL DEFAULT false,
    ADD offered_from time,
    ADD offered_until time,
    ADD offered_zone text NOT NULL DEFAULT 'UTC',
    ADD CONSTRAINT device_window_check CHECK ((offered_from IS NULL) = (offered_until IS NULL))`,
  'CREATE INDEX device_pinned_at ON device (pinned_at)',
]

const REMOVED = [
  'DROP INDEX device_pinned_at',
  `ALTER TABLE device
    DROP CONSTRAINT device_window_check,
    DROP approval, DROP approval_reason, DROP approval_since, DROP pinned, DROP pinned_at, DROP source, DROP generation, DROP firmware,
    DROP stack, DROP carrier, DROP also_at, DROP drained, DROP offered_from, DROP offered_until, DROP offered_zone`,
]
