/**
 * `npm run parity`: runs the tests that carry a row of the seed systems in their names and writes docs/seed-parity.md.
 * The exit code is 1 while a row that must hold does not.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parity as rowsOf, parityPage } from './parity/page.mjs'
import { root } from './session.mjs'
import { bundles } from './steps.mjs'
import { specs } from './test.mjs'

/** Any row's id, as jest's filter of names. */
const ANY_ROW = '(LC|YP|HD|LU)-[0-9]{2}'
const FOLDERS = ['e2e', 'services', 'libs', 'tools']

/** @param {import('./session.mjs').Session} session */
export async function parity(session) {
  await bundles(session)
  const results = join(session.privateFolder(), 'rows.json')
  await specs(session, [...FOLDERS, '--testNamePattern', ANY_ROW, '--json', `--outputFile=${results}`, '--silent'])
  const { testResults } = JSON.parse(readFileSync(results, 'utf8'))
  const tests = testResults
    .flatMap(({ name: file, assertionResults }) =>
      assertionResults.map(({ fullName, status }) => ({
        file: relative(root, file),
        name: fullName,
        passed: status === 'passed',
        run: status === 'passed' || status === 'failed',
      })),
    )
    .filter(({ run, name }) => run && new RegExp(ANY_ROW).test(name))
    .sort((a, b) => a.file.localeCompare(b.file) || a.name.localeCompare(b.name))
  const rows = rowsOf(tests)
  writeFileSync(join(root, 'docs/seed-parity.md'), parityPage(rows))
  const missing = rows.filter(({ priority, state }) => priority === 'must' && state !== 'holds')
  console.log(
    `\ndocs/seed-parity.md: ${rows.filter(({ state }) => state === 'holds').length} of ${rows.length} rows hold.`,
  )
  for (const { id, capability, state } of missing) console.log(`  ${id} ${state}: ${capability}`)
  return missing.length === 0 ? 0 : 1
}
