/** The harness as tools and specs use it: a series of schedules on stages of its own. */
import { join } from 'node:path'
import type { Binaries } from '@lucihub/servers'
import { CRASH_POINTS } from '@lucihub/service-kit/crash-points'
import { baselineOf } from './check/upkeep.ts'
import { installAudit, runSchedule, type Outcome } from './run-schedule.ts'
import { scheduleOf } from './schedule.ts'
import { Stage } from './stage.ts'

export { MUTANTS, mutated } from './mutants.ts'
export { renderSummary, replayOf, summaryOf } from './report.ts'
export { scheduleOf } from './schedule.ts'

/** Schedules on one stage before it is set anew: what leaks shows, and a violation does not follow the next ones. */
const SCHEDULES_PER_STAGE = 20
const READY_MS = 60_000

export interface SeriesOptions {
  readonly seeds: readonly number[]
  /** A folder of ours. */
  readonly dir: string
  readonly binaries: Binaries
  readonly bundles: string
  readonly deviceBundle: string
  readonly clockShim: string
  /** Ends the series at the first schedule with a violation. */
  readonly untilViolation?: boolean
  /** Keeps the folder of a stage that saw a violation. */
  readonly keep?: boolean
  onOutcome?(outcome: Outcome): void
  /** Given a way to end what runs. */
  onStage?(close: () => Promise<void>): void
}

export async function runSeries(options: SeriesOptions): Promise<Outcome[]> {
  const { seeds, dir, untilViolation = false } = options
  const outcomes: Outcome[] = []
  for (let from = 0, stages = 0; from < seeds.length; stages++) {
    const stage = await Stage.open({ ...options, dir: join(dir, `stage-${stages}`) })
    options.onStage?.(() => stage.close())
    let clean = true
    try {
      await installAudit(stage)
      await stage.ready(READY_MS)
      await Promise.all(Object.values(stage.relays).map(async (relay) => relay.heal()))
      await devicesLeased(stage)
      const before = baselineOf(stage)
      for (let own = 0; own < SCHEDULES_PER_STAGE && clean && from < seeds.length; own++, from++) {
        const outcome = await runSchedule(stage, scheduleOf(seeds[from] ?? 0, CRASH_POINTS), before)
        outcomes.push(outcome)
        options.onOutcome?.(outcome)
        clean = outcome.violations.length === 0
      }
    } finally {
      await stage.close()
      if (clean || !options.keep) stage.remove()
    }
    if (!clean && untilViolation) return outcomes
  }
  return outcomes
}

async function devicesLeased({ hub, devices }: Stage): Promise<void> {
  const deadline = performance.now() + READY_MS
  for (;;) {
    const answer = await fetch(`${hub.url}/api/v1/devices`, {
      headers: { authorization: `Bearer ${hub.apiKey}` },
    }).catch(() => null)
    const listed = answer?.ok
      ? ((await answer.json()) as { devices: { name: string; active: boolean; leased: boolean }[] }).devices
      : []
    if (devices.every(({ name }) => listed.some((device) => device.name === name && device.active && device.leased)))
      return
    if (performance.now() > deadline) throw new Error('The stage is set, but its devices are not offered.')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
