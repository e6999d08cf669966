/** A few schedules with fixed seeds in every test run, by the command that runs as many as one likes. */
import { jest } from '@jest/globals'
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Summary } from './report.ts'

jest.setTimeout(240_000)
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const SEED = 1000
const SCHEDULES = 2

test('under staged faults nothing is lost, doubled, corrupt or stuck, and no device has two drivers', async () => {
  const report = join(root, `.lucihub/faults-hub-${SEED}.json`)
  rmSync(report, { force: true })
  const { code, text } = await faults('--schedules', String(SCHEDULES), '--seed', String(SEED), '--json')
  expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining(`${SCHEDULES} schedules`) as string })
  const { samples, failed, schedules, recoveryMs } = JSON.parse(readFileSync(report, 'utf8')) as Summary
  expect({ schedules, failed, never: recoveryMs.never }).toEqual({ schedules: SCHEDULES, failed: [], never: 0 })
  expect(samples).toEqual({ compared: samples.compared, lost: 0, duplicated: 0, corrupt: 0 })
  expect(samples.compared).toBeGreaterThan(10_000)
})

function faults(...args: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, 'tools/lucihub.mjs'), 'faults', ...args],
      { cwd: root },
      (_failed, stdout, stderr) => resolve({ code: child.exitCode ?? -1, text: stdout + stderr }),
    )
  })
}
