/** How two runs compare, for people. */
import type { ComparisonResource } from '@lucihub/sdk'
import { formatNumber, formatPercent } from './duration.ts'
import { table } from './table.ts'

const VERDICTS = { agrees: 'agrees', 'agrees-until-horizon': 'agrees until the horizon', differs: 'differs' } as const

export function comparisonText({ verdict, tolerance, time, span, divergence, channels }: ComparisonResource): string {
  const at = (value: number | null): string =>
    value === null ? '' : `${formatNumber(value)}${time === 'op' ? ' s' : ''}`
  const share = (value: number | null): string => (value === null ? 'not a number' : formatPercent(value))
  const rows = channels.map(({ label, unit, rms, max, maxTime, firstExcursion, verdict: channelVerdict }) => [
    label,
    share(rms.machine),
    share(max.machine),
    max.physical === null ? '' : `${formatNumber(max.physical)} ${unit}`.trim(),
    at(maxTime),
    firstExcursion === null ? 'never' : at(firstExcursion),
    VERDICTS[channelVerdict],
  ])
  const right = 'right' as const
  const columns = [
    { title: 'CHANNEL' },
    { title: 'RMS', align: right },
    { title: 'LARGEST', align: right },
    { title: 'PHYSICAL', align: right },
    { title: 'AT', align: right },
    { title: `BEYOND ${formatPercent(tolerance)} FROM`, align: right },
    { title: 'VERDICT' },
  ]
  const lines = [
    table(columns, rows),
    span === null
      ? 'The runs have no instant in common.'
      : `Differences are relative to full scale, from ${at(span.from)} to ${at(span.until)}${time === 'op' ? ' of op time' : ' of problem time'}.`,
  ]
  if (divergence) {
    const growth = `${formatNumber(divergence.growthRate)} per ${time === 'op' ? 's' : 'unit of problem time'}`
    lines.push(
      `The runs part as chaotic solutions do, at a rate of ${growth}: they have to agree until ${at(divergence.horizon)}.`,
    )
  }
  return `${lines.join('\n')}\nThe runs ${VERDICT_SENTENCE[verdict]}.`
}

const VERDICT_SENTENCE = {
  agrees: 'agree',
  'agrees-until-horizon': 'agree until the horizon',
  differs: 'differ',
} as const
