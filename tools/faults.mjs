/**
 * `npm run faults`: schedules of faults against a whole hub, and the checker's word on each. Exit code 1 when an
 * invariant was violated. docs/faults.md says what is done and how to replay.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './build.mjs'
import { bundles, servers } from './steps.mjs'
import { root } from './session.mjs'

const MUTANT_SCHEDULES_MAX = 50
const OPTIONS = {
  schedules: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  shard: { type: 'string', default: '1/1' },
  mutant: { type: 'string' },
  mutants: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  until: { type: 'boolean', default: false },
}

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} args
 */
export async function faults(session, args) {
  const { values } = parseArgs({ args: [...args], options: OPTIONS })
  const seeds = seedsOf(values)
  await bundles(session)
  const binaries = await servers(session, { postgres: 'own', nats: 'own', redis: 'own' })
  const harness = await session.step('harness', () => harnessBundles())
  const dir = values.keep ? join(root, `.lucihub/faults-${process.pid}`) : session.privateFolder()
  const stages = []
  session.defer(() => Promise.all(stages.map((close) => close())))
  const common = { binaries, ...harness.files, keep: values.keep, onStage: (close) => stages.push(close) }

  if (values.mutants) return allMutants({ ...common, dir, harness, json: values.json, first: seeds[0] })
  if (values.mutant !== undefined && !harness.MUTANTS[values.mutant])
    throw new Error(`There is no mutant ${values.mutant}. There are: ${Object.keys(harness.MUTANTS).join(', ')}.`)
  const folder = values.mutant === undefined ? join(root, 'dist') : await mutantBundles(harness, values.mutant)
  const outcomes = await harness.runSeries({
    ...common,
    dir,
    seeds,
    bundles: folder,
    untilViolation: values.until,
    onOutcome: tell,
  })
  const summary = harness.summaryOf(outcomes, values.mutant ?? null)
  console.log(`\n${harness.renderSummary(summary)}\n`)
  if (values.json) report(`faults-${values.mutant ?? 'hub'}-${seeds[0]}`, { ...summary, outcomes })
  return summary.failed.length > 0 ? 1 : 0
}

function seedsOf({ schedules, seed, shard }) {
  const [index, count] = shard.split('/').map(Number)
  const [total, first] = [Number(schedules), Number(seed)]
  if (!(index >= 1 && index <= count && total >= 1 && Number.isSafeInteger(first)))
    throw new Error('Use --schedules N --seed S --shard i/n, with whole numbers and 1 <= i <= n.')
  return Array.from({ length: total }, (_, at) => first + at).filter((_, at) => at % count === index - 1)
}

/** What runs the schedules, and the process that plays the devices, as bundles beside those of the services. */
export async function harnessBundles() {
  const [main, deviceBundle] = ['main', 'device-main'].map((name) => join(root, 'dist', `faults-${name}.mjs`))
  await bundle({ main: join(root, 'e2e/faults/main.ts'), file: main })
  await bundle({ main: join(root, 'e2e/faults/device-main.ts'), file: deviceBundle })
  const clockShim = join(root, 'dist/faults-clock-shim.mjs')
  copyFileSync(join(root, 'e2e/faults/clock-shim.mjs'), clockShim)
  return { ...(await import(pathToFileURL(main).href)), files: { deviceBundle, clockShim } }
}

/** A folder of bundles in which some are mutated and the others are the hub's own. */
async function mutantBundles({ MUTANTS, mutated }, id) {
  const mutant = MUTANTS[id]
  const folder = join(root, 'dist/mutants', id)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(join(root, 'dist')).filter((file) => file.endsWith('.mjs')))
    if (!mutant.bundles.includes(name.replace(/\.mjs$/, ''))) symlinkSync(join(root, 'dist', name), join(folder, name))
  symlinkSync(join(root, 'dist/node_modules'), join(folder, 'node_modules'))
  const touched = new Set()
  for (const name of mutant.bundles)
    await bundle({
      main: join(root, 'services', name, 'src/main.ts'),
      file: join(folder, `${name}.mjs`),
      change: (source, path) => {
        const changed = mutated(mutant, path, source)
        if (changed !== null) touched.add(path)
        return changed
      },
    })
  const wanted = new Set(mutant.changes.map(({ file }) => file))
  if (touched.size < wanted.size) throw new Error(`Mutant ${id} changes files that its bundles do not contain.`)
  return folder
}

async function allMutants({ harness, dir, json, first, ...common }) {
  const results = []
  for (const [id, { what }] of Object.entries(harness.MUTANTS)) {
    const seeds = Array.from({ length: MUTANT_SCHEDULES_MAX }, (_, at) => first + at)
    const folder = await mutantBundles(harness, id)
    const outcomes = await harness.runSeries({
      ...common,
      dir: join(dir, id),
      seeds,
      bundles: folder,
      untilViolation: true,
    })
    const last = outcomes.at(-1)
    const found = last.violations.length > 0
    const by = [...new Set(last.violations.map(({ invariant }) => invariant))].join(', ')
    console.log(
      `${id.padEnd(4)} ${found ? `found after ${outcomes.length} schedules by ${by}` : `NOT FOUND in ${outcomes.length} schedules`}: ${what}`,
    )
    results.push({ id, what, found, schedules: outcomes.length, violations: last.violations })
  }
  if (json) report(`faults-mutants-${first}`, results)
  return results.every(({ found }) => found) ? 0 : 1
}

function tell({ seed, violations, runs, attempts, faults: injected, recoveryMs, seconds, troubles }) {
  const states = Object.entries(runs).map(([state, count]) => `${count} ${state.toLowerCase()}`)
  const recovered = recoveryMs === null ? 'not recovered' : `recovered in ${(recoveryMs / 1000).toFixed(1)} s`
  const verdict = violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS`
  console.log(
    `seed ${String(seed).padEnd(6)} ${verdict.padEnd(14)} ${injected.length} faults, ${states.join(', ')}, ${attempts} attempts, ${recovered}, ${seconds.toFixed(1)} s`,
  )
  for (const { invariant, what } of violations.slice(0, 6)) console.log(`  ${invariant} ${what}`)
  for (const trouble of troubles) console.log(`  not staged: ${trouble}`)
}

function report(name, value) {
  const folder = join(root, '.lucihub')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
  console.log(`Written: ${file}`)
}
