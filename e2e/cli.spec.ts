/** The command line as a person uses it, against the whole hub: what it prints, what it writes, how it ends. */
import { jest } from '@jest/globals'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lucihub as invoke } from './command-line.ts'
import { runningHub, type RunningHub } from './running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lucihub-cli-'))
  running = await runningHub()
})
afterAll(async () => {
  await running?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const lucihub = async (...args: string[]) => {
  const { code, stdout: out, stderr: err } = await invoke(running, args)
  return { code, out, err }
}

test('the Lorenz attractor: report, progress, plot, check, files, exit code 0', async () => {
  const [csv, svg] = [join(folder, 'lorenz.csv'), join(folder, 'lorenz.svg')]
  const args = ['run', 'examples/lorenz.ana', '--op-time', '1ms', '--sample-rate', '500k']
  const { code, out, err } = await lucihub(...args, '--check', '--out', csv, '--plot', svg, '--phase', 'x,z')
  expect([code, err]).toEqual([0, expect.stringMatching(/RUNNING.*COMPLETED/s)])
  expect(out).toMatch(/samples +500 of 500 per channel/)
  expect(out).toMatch(/z against x/)
  const errors = [...out.matchAll(/^[xyz] +([\d.]+) %/gm)].map(([, percent]) => Number(percent))
  expect(errors).toHaveLength(3)
  for (const percent of errors) expect(percent).toBeLessThan(1)
  expect(readFileSync(csv, 'utf8').trim().split(/\r?\n/)).toHaveLength(501)
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*<\/svg>\s*$/s)
})

test('with --json exactly one document comes out', async () => {
  const devices = JSON.parse((await lucihub('devices', '--json')).out) as { devices: { name: string }[] }
  expect(devices.devices.map(({ name }) => name).sort()).toEqual(['virtual-lucidac', 'virtual-simulator'])
  const run = JSON.parse((await lucihub('run', 'examples/lorenz.ana', '--simulate', '--op-time', '1ms', '--json')).out)
  expect(run).toMatchObject({ run: { state: 'COMPLETED', kind: 'simulate' } })
})

test('a broken program is shown with its place, and nothing is submitted', async () => {
  const program = join(folder, 'broken.ana')
  writeFileSync(program, 'let diff[x, t](t) = -k * x(t);\nprobe x(t);\n')
  const { code, out, err } = await lucihub('run', program)
  expect(code).toBe(1)
  expect(out + err).toMatch(/broken\.ana:1:22/)
  expect(out + err).toMatch(/\^/)
})

test('exit codes tell a refusal, a conflict, a wrong call and a hub that is not there apart', async () => {
  const { code: refused } = await lucihub('run', 'examples/lorenz.ana', '--device', 'nowhere')
  const { out } = await lucihub('run', 'examples/lorenz.ana', '--simulate', '--op-time', '1ms', '--json')
  const { run } = JSON.parse(out) as { run: { id: string } }
  const { code: conflict } = await lucihub('cancel', run.id)
  const { code: wrong } = await lucihub('run', 'examples/lorenz.ana', '--op-time', 'soon')
  const { code: unreachable } = await lucihub('devices', '--url', 'http://127.0.0.1:9')
  expect({ refused, conflict, wrong, unreachable }).toEqual({ refused: 3, conflict: 4, wrong: 64, unreachable: 3 })
})

test('the results of a run can be had later, in any format', async () => {
  const { out } = await lucihub('run', 'examples/harmonic-oscillator.ana', '--simulate', '--op-time', '1ms', '--json')
  const { run } = JSON.parse(out) as { run: { id: string } }
  const file = join(folder, 'later.csv')
  expect((await lucihub('results', run.id, '--format', 'csv', '--out', file)).code).toBe(0)
  expect(existsSync(file)).toBe(true)
  expect((await lucihub('logs', run.id)).out).toMatch(/Configured \d+ lanes and 3 channels; op time 1 ms/)
  expect((await lucihub('runs')).out).toContain(run.id)
})
