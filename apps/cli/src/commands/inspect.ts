import type { InspectionResource } from '@lucihub/sdk'
import { define, type Invocation, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { readProgram, type ProgramFile } from '../program-file.ts'
import { save } from '../save.ts'
import { violationLines } from '../show/failure.ts'
import { facts, table } from '../show/table.ts'
import { printable } from '../show/text.ts'

interface Options {
  readonly device?: string
  readonly equations?: boolean
  readonly svg?: string
  readonly apb?: string
}

/** `lucihub inspect FILE`: a circuit from a file, as the hub understands it. Exit code 1 when a device cannot carry it. */
export function inspectCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'inspect <file>',
    summary:
      'Inspect a circuit (.apb, circuit JSON, carrier JSON or a configuration): its equations, its picture, its faults.',
    examples: [
      'inspect circuit.apb',
      'inspect circuit.json --device lucidac-1 --svg circuit.svg',
      'inspect circuit.json --equations > circuit.ana',
      'inspect configuration.json --apb circuit.apb --json',
    ],
    build(command) {
      command
        .option('--device <name>', 'device id or name to check against (default: the one it seems made for)')
        .option('--equations', 'print the equations only, as a program')
        .option('--svg <file>', 'write the circuit drawn')
        .option('--apb <file>', 'write the configuration as .apb')
    },
    work: inspect,
  })
}

async function inspect({ session, args, options }: Invocation<Options>): Promise<number> {
  const { device, equations, svg, apb } = options
  if (equations && session.json) session.usage('--json holds the equations too: leave --equations out.')
  const file = await readProgram(args[0] ?? '-', session.surroundings.stdin)
  if (file.kind === 'source') return session.usage(`${file.name} is a program: see lucihub compile.`)
  const circuit = circuitOf(file)
  const on = device === undefined ? {} : { device }
  const inspection = await session.client.inspect(circuit, on)
  const fits = inspection.violations.length === 0
  if (fits && svg !== undefined) await save(svg, await session.client.inspect(circuit, { ...on, format: 'svg' }))
  if (fits && apb !== undefined) await save(apb, await session.client.inspect(circuit, { ...on, format: 'apb' }))
  const written = fits ? [svg, apb].flatMap((path) => (path === undefined ? [] : [path])) : []
  if (equations) {
    for (const line of [...violationLines(inspection.violations), ...written.map((path) => `wrote ${path}`)])
      session.note(line)
    if (inspection.equations !== null) await session.answer(inspection, text(inspection.equations))
  } else await session.answer(inspection, summary(file.name, inspection, written))
  return fits ? EXIT.ok : EXIT.failed
}

/** What a file holds, as the hub takes it. */
export function circuitOf(file: Exclude<ProgramFile, { kind: 'source' }>): Uint8Array | object {
  switch (file.kind) {
    case 'apb':
      return file.bytes
    case 'circuit':
      return file.circuit
    case 'configuration':
      return file.configuration
  }
}

function summary(name: string, inspection: InspectionResource, written: readonly string[]): string {
  const { format, deviceId, elements, violations, equations } = inspection
  const faults = violations.length === 1 ? 'one fault' : `${violations.length} faults`
  const parts = [
    facts([
      ['file', name],
      ['format', format],
      ['device', deviceId],
      ['faults', violations.length > 0 ? faults : 'none'],
    ]),
    violationLines(violations).join('\n'),
    elements.length > 0
      ? table(
          [{ title: 'ELEMENT' }, { title: 'USED', align: 'right' }, { title: 'OF', align: 'right' }],
          elements.map(({ kind, used, available }) => [kind, String(used), String(available)]),
        )
      : '',
    equations === null ? '' : text(equations).trimEnd(),
    written.map((path) => `wrote ${path}`).join('\n'),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** A program from the hub, made safe for the terminal line by line. */
function text(program: string): string {
  return program.split('\n').map(printable).join('\n')
}
