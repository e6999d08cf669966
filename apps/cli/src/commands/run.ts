import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { IntegratorRate } from '@lucihub/analog'
import { renderDiagnostic } from '@lucihub/analang'
import { HubProblem, type RunResource, type RunSubmission } from '@lucihub/sdk'
import { check, checkText, type ChannelCheck } from '../check.ts'
import { define, type Invocation, type Session, type Shell } from '../command.ts'
import { EXIT, exitCodeOfState } from '../exit.ts'
import { follow, stillRunning } from '../follow.ts'
import { opTimeOption, parseIntegratorRate, parsePair } from '../options.ts'
import { readProgram, type ProgramFile } from '../program-file.ts'
import { runFigure } from '../run-figure.ts'
import { formatOf, save } from '../save.ts'
import { parseCount, parseDuration } from '../show/duration.ts'
import { runText } from '../show/run.ts'
import { svgPlot } from '../show/svg.ts'
import { terminalPlot } from '../show/terminal-plot.ts'

interface Options {
  readonly device?: string
  readonly simulate?: boolean
  readonly opTime: number
  readonly icTime?: number
  readonly sampleRate: number
  readonly haltOnOverload?: boolean
  readonly title?: string
  readonly k0?: IntegratorRate
  readonly out?: string
  readonly plot?: string
  readonly phase?: readonly [string, string]
  readonly check?: boolean
  readonly follow: boolean
}

/** Samples per channel that `--check` compares at most. */
const CHECK_SAMPLES = 1_000_000

/** `lucihub run FILE`: submit, follow, show. */
export function runCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'run <file>',
    summary: 'Run a program (analang), a configuration or circuit (.json) or an .apb file on a machine or a simulator.',
    examples: [
      'run lorenz.ana --op-time 20ms --sample-rate 50k',
      'run lorenz.ana --simulate --check --plot lorenz.svg --phase x,z',
      'run lorenz.ana --device lucidac-1 --halt-on-overload --out data.csv',
      'run circuit.apb --device lucidac-1 --out data.csv',
      'run - --no-follow --json < lorenz.ana',
    ],
    build(command) {
      command
        .option('--device <name>', 'device id or name (default: any of its class)')
        .option('--simulate', 'run on a simulator instead of a machine')
        .addOption(opTimeOption('how long to compute'))
        .option('--ic-time <duration>', 'how long to set initial conditions', parseDuration)
        .option('--sample-rate <rate>', 'samples per second and channel', parseCount, 10_000)
        .option('--halt-on-overload', 'stop when an output passes full scale')
        .option('--title <text>', 'a title for lists and plots')
        .option('--k0 <rate>', 'integrator rate in 1/s (default: the compiler chooses)', parseIntegratorRate)
        .option('-o, --out <file>', 'write the measurements: .csv, .json or .raw')
        .option('--plot <file>', 'write the plot as SVG')
        .option('--phase <x,y>', 'channels of the phase portrait (default: the first two)', parsePair)
        .option('--check', 'compare with the equations, integrated directly')
        .option('--follow', 'wait for the end and show the result', true)
        .option('--no-follow', 'only submit; print the id')
    },
    work: submitAndFollow,
  })
}

async function submitAndFollow({ session, args, options }: Invocation<Options>): Promise<number> {
  const file = await readProgram(args[0] ?? '-', session.surroundings.stdin)
  if (options.check && file.kind !== 'source') session.usage('--check needs the program, not a configuration.')
  const wanted = (['out', 'plot', 'check', 'phase'] as const).find((name) => options[name] !== undefined)
  if (!options.follow && wanted) session.usage(`--${wanted} needs the result, so it does not go with --no-follow.`)

  const submitted = await submit(session, file, options)
  if (!submitted) return EXIT.failed
  if (!options.follow) {
    await session.answer(submitted, submitted.id)
    return EXIT.ok
  }
  session.note(`Run ${submitted.id}`)
  const followed = await follow(session, submitted)
  if (followed.kind !== 'ended') return stillRunning(session, submitted.id, followed.kind)
  const { run } = followed
  if (run.state === 'COMPLETED') await present(session, run, file, options)
  else await session.answer({ run, files: {}, check: null }, runText(run))
  return exitCodeOfState(run.state)
}

function contentOf(file: ProgramFile): Pick<RunSubmission, 'source' | 'configuration' | 'circuit' | 'apb'> {
  switch (file.kind) {
    case 'source':
      return { source: file.source }
    case 'configuration':
      return { configuration: file.configuration }
    case 'circuit':
      return { circuit: file.circuit }
    case 'apb':
      return { apb: Buffer.from(file.bytes).toString('base64') }
  }
}

/** Null when the program does not compile: its diagnostics are shown then. */
async function submit(session: Session, file: ProgramFile, options: Options): Promise<RunResource | null> {
  const { device, icTime, title, k0 } = options
  const submission: RunSubmission = {
    kind: options.simulate ? 'simulate' : 'run',
    title: title ?? basename(file.name),
    ...contentOf(file),
    opTimeNs: options.opTime,
    sampleRateHz: options.sampleRate,
    haltOnOverload: options.haltOnOverload ?? false,
    ...(device !== undefined && { device }),
    ...(icTime !== undefined && { icTimeNs: icTime }),
    ...(k0 !== undefined && { k0 }),
  }
  try {
    const { run } = await session.client.submitRun(submission, { idempotencyKey: randomUUID() })
    if (file.kind === 'source')
      for (const diagnostic of run.diagnostics) session.note(renderDiagnostic(file.source, diagnostic, file.name))
    return run
  } catch (failure) {
    const isOurs = failure instanceof HubProblem && failure.type === 'compilation-failed' && file.kind === 'source'
    if (!isOurs) throw failure
    for (const diagnostic of failure.diagnostics) session.note(renderDiagnostic(file.source, diagnostic, file.name))
    const { type, title: heading, status, message, diagnostics } = failure
    const document = { error: { type, title: heading, status, detail: message, diagnostics } }
    await session.answer(document, `${file.name} does not compile.`)
    return null
  }
}

async function present(session: Session, run: RunResource, file: ProgramFile, options: Options): Promise<void> {
  const { client, json, surroundings } = session
  const { out, plot } = options
  if (out !== undefined) await save(out, await client.results(run.id, { format: formatOf(out) }))
  const drawn = plot !== undefined || !json
  const request = { title: run.title || run.id, phase: options.phase ?? null }
  const figure = drawn ? await runFigure(client, run.id, request) : null
  if (figure && plot !== undefined) await save(plot, svgPlot(figure))
  const checks = options.check && file.kind === 'source' ? await checked(session, run.id, file.source) : null

  const text = [
    runText(run),
    figure ? terminalPlot(figure, surroundings.columns) : '',
    checks ? checkText(checks) : '',
    [out, plot].flatMap((path) => (path === undefined ? [] : [`wrote ${path}`])).join('\n'),
  ]
  const files = { ...(out !== undefined && { out }), ...(plot !== undefined && { plot }) }
  await session.answer({ run, files, check: checks }, text.filter((part) => part !== '').join('\n\n'))
}

async function checked({ client }: Session, id: string, source: string): Promise<ChannelCheck[]> {
  const [samples, configuration] = await Promise.all([
    client.samples(id, { to: `#${CHECK_SAMPLES}` }),
    client.configuration(id),
  ])
  return check(source, samples, configuration)
}
