/** docs/seed-parity.md: every row of the seed systems beside the tests that show it. */
import { ROWS } from './rows.mjs'

const SYSTEMS = [
  ['LC', 'LuciHub-common: hot and cold storage'],
  ['YP', 'YAPTIDE: runs in parts, results, users, administration'],
  ['HD', 'HARDS: the tree of data'],
  ['LU', 'LUTE: records, parameters, validity'],
]

/**
 * @typedef {{ readonly file: string, readonly name: string, readonly passed: boolean }} Shown
 * @typedef {{ readonly id: string, readonly priority: string, readonly capability: string, readonly tests: readonly Shown[], readonly state: string }} Row
 */

/** @param {readonly Shown[]} tests @returns {readonly Row[]} */
export function parity(tests) {
  return ROWS.map(([id, priority, capability]) => {
    const own = tests.filter(({ name }) => name.includes(id))
    const state = own.length === 0 ? 'no test' : own.every(({ passed }) => passed) ? 'holds' : 'fails'
    return { id, priority, capability, tests: own, state }
  })
}

/** @param {readonly Row[]} rows */
export function parityPage(rows) {
  const count = (wanted) => rows.filter(wanted).length
  const summary = ['must', 'should', 'may'].map((priority) => {
    const all = count((row) => row.priority === priority)
    const holding = count((row) => row.priority === priority && row.state === 'holds')
    return `| ${priority} | ${all} | ${holding} |`
  })
  const sections = SYSTEMS.map(([prefix, title]) => {
    const lines = rows
      .filter(({ id }) => id.startsWith(prefix))
      .map(({ id, priority, capability, tests, state }) => {
        const shown = tests.map(({ file, name }) => `${cell(name)} (\`${file}\`)`).join('<br>')
        return `| ${id} | ${priority} | ${cell(capability)} | ${state} | ${shown} |`
      })
    return `## ${title}\n\n| row | | capability | state | shown by |\n|---|---|---|---|---|\n${lines.join('\n')}`
  })
  return `# What the seed systems could do

Four systems seed this project. Each row is something one of them does, or should have done; the tests named beside it
run the row's check through the HTTP API, the command line or the store, on real servers. Made by \`npm run parity\`,
which runs them; its exit code is 1 while a row that must hold does not.

| priority | rows | hold |
|---|---|---|
${summary.join('\n')}

${sections.join('\n\n')}
`
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
