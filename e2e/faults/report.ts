/** What a series of schedules amounts to, as a table and as JSON. */
import { INVARIANTS, type InvariantId, type Violation } from './check/violation.ts'
import type { Outcome } from './run-schedule.ts'

export interface Summary {
  readonly schedules: number
  readonly faults: number
  readonly runs: Readonly<Record<string, number>>
  readonly attempts: number
  readonly samples: {
    readonly compared: number
    readonly lost: number
    readonly duplicated: number
    readonly corrupt: number
  }
  readonly violations: Readonly<Record<InvariantId, number>>
  /** From the end of all faults until every run had ended, ms. */
  readonly recoveryMs: { readonly p50: number | null; readonly p99: number | null; readonly never: number }
  readonly secondsPerSchedule: number
  readonly failed: readonly {
    readonly seed: number
    readonly replay: string
    readonly violations: readonly Violation[]
  }[]
}

export function summaryOf(outcomes: readonly Outcome[], mutant: string | null): Summary {
  const all = outcomes.flatMap(({ violations }) => violations)
  const recovery = outcomes.flatMap(({ recoveryMs }) => recoveryMs ?? []).sort((a, b) => a - b)
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const runs: Record<string, number> = {}
  for (const outcome of outcomes)
    for (const [state, count] of Object.entries(outcome.runs)) runs[state] = (runs[state] ?? 0) + count
  const count = (id: string): number => all.filter(({ invariant }) => invariant === id).length
  return {
    schedules: outcomes.length,
    faults: sum(({ faults }) => faults.length),
    runs,
    attempts: sum(({ attempts }) => attempts),
    samples: {
      compared: sum(({ counts }) => counts.compared),
      lost: sum(({ counts }) => counts.lost),
      duplicated: sum(({ counts }) => counts.duplicated),
      corrupt: sum(({ counts }) => counts.corrupt),
    },
    violations: Object.fromEntries(Object.keys(INVARIANTS).map((id) => [id, count(id)])) as Record<InvariantId, number>,
    recoveryMs: {
      p50: quantile(recovery, 0.5),
      p99: quantile(recovery, 0.99),
      never: outcomes.length - recovery.length,
    },
    secondsPerSchedule: outcomes.length === 0 ? 0 : sum(({ seconds }) => seconds) / outcomes.length,
    failed: outcomes
      .filter(({ violations }) => violations.length > 0)
      .map(({ seed, violations }) => ({ seed, replay: replayOf(seed, mutant), violations })),
  }
}

export function replayOf(seed: number, mutant: string | null): string {
  return `npm run faults -- --schedules 1 --seed ${seed}${mutant === null ? '' : ` --mutant ${mutant}`}`
}

export function renderSummary(summary: Summary): string {
  const { samples, recoveryMs, runs } = summary
  const seconds = (ms: number | null): string => (ms === null ? '—' : `${(ms / 1000).toFixed(1)} s`)
  const lines = [
    `${summary.schedules} schedules, ${summary.faults} faults, ${Object.values(runs).reduce((a, b) => a + b, 0)} runs (${Object.entries(
      runs,
    )
      .map(([state, count]) => `${count} ${state}`)
      .join(', ')}), ${summary.attempts} attempts`,
    `${samples.compared} samples compared: ${samples.lost} lost, ${samples.duplicated} duplicated, ${samples.corrupt} corrupt`,
    `recovery p50 ${seconds(recoveryMs.p50)}, p99 ${seconds(recoveryMs.p99)}; ${recoveryMs.never} did not recover; ${summary.secondsPerSchedule.toFixed(1)} s per schedule`,
    '',
    ...Object.entries(INVARIANTS).map(
      ([id, what]) => `${id.padEnd(4)} ${what.padEnd(50)} ${String(summary.violations[id as InvariantId]).padStart(5)}`,
    ),
  ]
  for (const { seed, replay, violations } of summary.failed) {
    lines.push('', `seed ${seed}: ${replay}`)
    for (const { invariant, what } of violations.slice(0, 8)) lines.push(`  ${invariant} ${what}`)
    if (violations.length > 8) lines.push(`  and ${violations.length - 8} more`)
  }
  return lines.join('\n')
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null
}
