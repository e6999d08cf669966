/** The results of the corpus as the page docs/corpus.md. */
import { partingOf, type Measured, type Result, TOLERANCE } from './measure.ts'
import { DEVICES } from './entry.ts'

/** Whether a result is what the entry promises: it fits its device, and no smaller one, and computes its equations. */
export function isRight({ entry, measured, smaller }: Result): boolean {
  if (!measured || measured.overloads.length > 0) return false
  if (smaller.some(({ missing }) => missing.length === 0)) return false
  const { verdict } = measured.comparison
  return verdict === 'agrees' || (entry.chaotic && verdict === 'agrees-until-horizon' && reachesHorizon(measured))
}

function reachesHorizon({ comparison, horizon }: Measured): boolean {
  const parting = partingOf(comparison)
  return parting === null || (horizon !== null && parting >= horizon)
}

export function corpusPage(results: readonly Result[]): string {
  const right = results.filter(isRight).length
  return `# The corpus

Programs in [\`examples/\`](../examples). Each is compiled for the smallest device that it fits, the *circuit* is simulated
without errors of the machine, and every probe is compared with the *equations*, integrated directly by \`solve\`.
Made by \`npm run corpus\`; a spec checks every verdict on every test run.

**${right} of ${results.length} agree with their equations** within ${TOLERANCE} of full scale: non-chaotic ones throughout, chaotic
ones (marked ~) at least until their horizon. There the equations part, by the same ${TOLERANCE}, from the same equations
solved ten times less accurately: a chaotic system makes any error grow, in bursts where it passes a saddle, and the
horizon says how long two solutions can agree. How the circuit parts is looked at too: as growth, not as a drift or a jump.

- *I*, *M*, *N*: integrators, multipliers and identities in use; *lanes* of all clusters together.
- *pace*: units of problem time per second of op time; *until*: problem time at the end of the run.
- *scale*: smallest and largest scale factor of the variables, physical units per machine unit.
- *error*: the largest of all probes over the whole run, relative to full scale. *horizon* and *parted*: problem time, until which a chaotic program has to agree, and does; nothing where the two never part.
- *compile*: ms of processor time, warm, on whatever machine made this page.

${table(results.filter(({ measured }) => measured).map(measuredCells), [
  'program',
  'device',
  'I',
  'M',
  'N',
  'lanes',
  'k0',
  'pace',
  'until',
  'scale',
  'error',
  'horizon',
  'parted',
  'compile',
])}

## What does not fit a LUCIDAC

${table(
  results.flatMap(({ entry, smaller }) =>
    smaller.map(({ device, missing }) => [
      nameOf(entry.name),
      DEVICES[entry.device].name,
      DEVICES[device].name,
      missing.join('<br>'),
    ]),
  ),
  ['program', 'fits', 'does not fit', 'what is missing there'],
)}
${wrong(results)}
## Where they come from

${table(
  results.map(({ entry }) => [nameOf(entry.name), entry.title, entry.source]),
  ['program', 'what it is', 'source'],
)}
`
}

function measuredCells(result: Result): string[] {
  const { entry, measured } = result
  if (!measured) return []
  const { report, comparison, compileTimeMs, horizon } = measured
  const parted = partingOf(comparison)
  const used = (kind: string): string => String(report.elements.find((element) => element.kind === kind)?.used ?? 0)
  const scales = report.signals.map(({ scale }) => scale)
  const error = Math.max(...comparison.channels.map(({ max }) => max.machine))
  return [
    `${nameOf(entry.name)}${entry.chaotic ? ' ~' : ''}`,
    DEVICES[entry.device].name,
    used('integrator'),
    used('multiplier'),
    used('identity'),
    String(report.lanesUsed),
    String(report.k0),
    String(report.problemTimePerSecond),
    figure(entry.opTimeNs * 1e-9 * report.problemTimePerSecond),
    [...new Set([Math.min(...scales), Math.max(...scales)])].map(figure).join(' – '),
    `${error.toExponential(1)}${isRight(result) ? '' : ' **wrong**'}`,
    horizon === null ? '' : figure(horizon),
    parted === null ? '' : figure(parted),
    compileTimeMs.toFixed(compileTimeMs < 10 ? 1 : 0),
  ]
}

function wrong(results: readonly Result[]): string {
  const failed = results.filter(({ measured }) => !measured)
  if (failed.length === 0) return ''
  return `
## What does not compile yet

${table(
  failed.map(({ entry, errors }) => [nameOf(entry.name), DEVICES[entry.device].name, errors.join('<br>')]),
  ['program', 'device', 'why'],
)}
`
}

function table(rows: readonly (readonly string[])[], header: readonly string[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

function nameOf(name: string): string {
  return `[${name}](../examples/${name}.ana)`
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)))
}
