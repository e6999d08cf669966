/**
 * The checker's own eyes in Postgres: triggers that write down every change of a state, a lease or a terminal row,
 * and when each record was stored. They live in a schema of their own and change nothing.
 */
import type { Client } from 'pg'

export const AUDIT = `
CREATE SCHEMA IF NOT EXISTS faults;
CREATE TABLE IF NOT EXISTS faults.change (
  n bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), what text NOT NULL, run_id uuid, attempt int,
  device_id text, old_state text, state text, old_epoch bigint, epoch bigint, old_boot text, boot text,
  old_expires timestamptz, expires timestamptz, device_run_id uuid);
CREATE TABLE IF NOT EXISTS faults.stored (run_id uuid, attempt int, seq bigint, at timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE OR REPLACE FUNCTION faults.attempt_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO faults.change (what, run_id, attempt, device_id, old_state, state, epoch, boot, device_run_id)
  VALUES ('attempt', NEW.run_id, NEW.number, NEW.device_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state, NEW.epoch, NEW.boot_id, NEW.device_run_id);
  RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION faults.run_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO faults.change (what, run_id, old_state, state) VALUES ('run', NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state);
  RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION faults.terminal_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO faults.change (what, run_id, old_state, state)
  VALUES (lower('terminal-' || TG_OP), coalesce(NEW.run_id, OLD.run_id), CASE TG_OP WHEN 'INSERT' THEN NULL ELSE OLD.state END, NEW.state);
  RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION faults.lease_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO faults.change (what, device_id, old_epoch, epoch, old_boot, boot, old_expires, expires)
  VALUES ('lease', NEW.device_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.epoch END, NEW.epoch, CASE TG_OP WHEN 'UPDATE' THEN OLD.boot_id END,
    NEW.boot_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.expires END, NEW.expires);
  RETURN NULL; END $$;
CREATE OR REPLACE FUNCTION faults.journal_stored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO faults.stored (run_id, attempt, seq) SELECT run_id, attempt, seq FROM fresh;
  RETURN NULL; END $$;

CREATE OR REPLACE TRIGGER faults AFTER INSERT OR UPDATE OF state, epoch, device_run_id ON attempt FOR EACH ROW EXECUTE FUNCTION faults.attempt_changed();
CREATE OR REPLACE TRIGGER faults AFTER INSERT OR UPDATE OF state ON run FOR EACH ROW EXECUTE FUNCTION faults.run_changed();
CREATE OR REPLACE TRIGGER faults AFTER INSERT OR UPDATE OF state OR DELETE ON run_terminal FOR EACH ROW EXECUTE FUNCTION faults.terminal_changed();
CREATE OR REPLACE TRIGGER faults AFTER INSERT OR UPDATE ON device_lease FOR EACH ROW EXECUTE FUNCTION faults.lease_changed();
CREATE OR REPLACE TRIGGER faults AFTER INSERT ON journal REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION faults.journal_stored();
`

/** One line of the audit; times are ms since 1970. */
export interface Change {
  readonly n: number
  readonly atMs: number
  readonly what: 'attempt' | 'run' | 'lease' | 'terminal-insert' | 'terminal-update' | 'terminal-delete'
  readonly run_id: string | null
  readonly attempt: number | null
  readonly device_id: string | null
  readonly old_state: string | null
  readonly state: string | null
  readonly old_epoch: number | null
  readonly epoch: number | null
  readonly old_boot: string | null
  readonly boot: string | null
  readonly oldExpiresMs: number | null
  readonly expiresMs: number | null
}

export async function changesSince(client: Client, atMs: number): Promise<Change[]> {
  const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`
  const { rows } = await client.query<Change>(
    `SELECT n::float8 AS n, ${ms('at')} AS "atMs", what, run_id::text, attempt, device_id, old_state, state, old_epoch::float8 AS old_epoch,
      epoch::float8 AS epoch, old_boot, boot, ${ms('old_expires')} AS "oldExpiresMs", ${ms('expires')} AS "expiresMs"
    FROM faults.change WHERE at >= to_timestamp($1::float8 / 1000) ORDER BY n`,
    [atMs],
  )
  return rows
}
