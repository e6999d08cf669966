/** `npm run verify`: everything that has to be right before a commit. Goes on after a failure, so that one run shows all. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundles } from './steps.mjs'
import { root } from './session.mjs'
import { specs } from './test.mjs'

const NX = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' }
const bin = (path) => join(root, 'node_modules', path)

const CHECKS = [
  { title: 'types', script: bin('typescript/bin/tsc'), args: ['-p', root] },
  // Through Nx, never eslint alone: without Nx's project graph the rule on layers is silent.
  { title: 'lint', script: bin('nx/dist/bin/nx.js'), args: ['run-many', '-t', 'lint', '--output-style=static'] },
  { title: 'format', script: bin('prettier/bin/prettier.cjs'), args: ['--check', '--log-level=warn', root] },
  { title: 'protobuf lint', script: bin('@bufbuild/buf/bin/buf'), args: ['lint', join(root, 'proto')] },
]

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} args For jest.
 */
export async function verify(session, args) {
  const failed = []
  await bundles(session).catch((error) => failed.push({ title: 'bundles', text: error.message }))
  for (const { title, script, args: options } of CHECKS) {
    await session.step(title, async (say) => {
      const { code, text } = await session.run(process.execPath, [script, ...options], { quiet: true, env: NX })
      say(code === 0 ? 'ok' : 'FAILED')
      if (code !== 0) failed.push({ title, text })
    })
  }
  const checks = { passed: CHECKS.length + 1 - failed.length, failed: failed.length }

  const results = join(session.privateFolder(), 'tests.json')
  const code = await specs(session, [...args, '--json', `--outputFile=${results}`])
  const tests = existsSync(results)
    ? JSON.parse(readFileSync(results, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0 }

  for (const { title, text } of failed) console.log(`\n--- ${title}\n${text.trim()}`)
  console.log(`\n${checks.passed} of ${CHECKS.length + 1} checks and ${tests.numPassedTests} specs are right.`)
  console.log(
    `${checks.passed + tests.numPassedTests} passed, ${checks.failed + tests.numFailedTests + tests.numRuntimeErrorTestSuites} failed`,
  )
  return code === 0 && failed.length === 0 ? 0 : 1
}
