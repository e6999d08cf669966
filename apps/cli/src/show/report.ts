/** What a compilation decided, as tables. */
import type { CompileReport } from '@lucihub/analog'
import { formatNumber } from './duration.ts'
import { facts, table } from './table.ts'

export function reportText(report: CompileReport): string {
  const elements = table(
    [{ title: 'ELEMENT' }, { title: 'USED', align: 'right' }, { title: 'OF', align: 'right' }],
    [
      ...report.elements.map(({ kind, used, available }) => [kind, String(used), String(available)]),
      ['lane', String(report.lanesUsed), String(report.lanesAvailable)],
    ],
  )
  const signals = table(
    [
      { title: 'SIGNAL' },
      { title: 'PLACE' },
      { title: 'SCALE', align: 'right' },
      { title: 'AMPLITUDE', align: 'right' },
    ],
    report.signals.map(({ name, element, scale, amplitude }) => [
      name,
      element,
      formatNumber(scale),
      formatNumber(amplitude),
    ]),
  )
  const pace = facts([
    ...(report.machine ? [['machine', report.machine] as const] : []),
    ['k0', `${report.k0}/s`],
    ['problem time', `${formatNumber(report.problemTimePerSecond)} per second of op time`],
    ['compiled in', `${formatNumber(report.compileTimeMs)} ms`],
  ])
  return [elements, signals, pace].join('\n\n')
}
