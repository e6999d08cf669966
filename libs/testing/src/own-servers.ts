/**
 * Which programs the servers of a spec are run from, and where their data lie. `npm test` finds them once and
 * hands them over in the environment; a spec that is run alone finds them itself.
 */
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provide, type Binaries } from '@lucihub/servers'

let found: Promise<Binaries> | undefined

/** The programs, found once per spec file. */
export function binaries(): Promise<Binaries> {
  const given = process.env['LUCIHUB_TEST_BINARIES']
  found ??= given
    ? Promise.resolve(JSON.parse(given) as Binaries)
    : provide({ postgres: true, nats: 'own', redis: 'own' })
  return found
}

/** A fresh folder for one server. */
export function freshFolder(name: string): string {
  const base = process.env['LUCIHUB_TEST_DIR'] ?? tmpdir()
  mkdirSync(base, { recursive: true })
  return mkdtempSync(join(base, `lucihub-${name}-`))
}
