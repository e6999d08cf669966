import type { IntegratorRate } from '@lucihub/analog'
import { renderDiagnostic } from '@lucihub/analang'
import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { opTimeOption, parseIntegratorRate } from '../options.ts'
import { readProgram } from '../program-file.ts'
import { save } from '../save.ts'
import { reportText } from '../show/report.ts'

interface Options {
  readonly device?: string
  readonly opTime: number
  readonly k0?: IntegratorRate
  readonly out?: string
}

/** `lucihub compile FILE`: what the compiler makes of it. Nothing is stored. Exit code 1 when it does not compile. */
export function compileCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'compile <file>',
    summary: 'Compile a program and show its use of the machine; nothing is run or stored.',
    examples: [
      'compile lorenz.ana',
      'compile lorenz.ana --device lucidac-1 --op-time 20ms',
      'compile lorenz.ana --out lorenz.json',
      'compile lorenz.ana --out lorenz.svg',
    ],
    build(command) {
      command
        .option('--device <name>', 'device id or name (default: the smallest machine that fits)')
        .addOption(opTimeOption('length the scaling has to hold for'))
        .option('--k0 <rate>', 'integrator rate in 1/s (default: the compiler chooses)', parseIntegratorRate)
        .option('-o, --out <file>', 'write the configuration: .apb for the tools of the devices, .svg drawn, else JSON')
    },
    async work({ session, args, options }) {
      const file = await readProgram(args[0] ?? '-', session.surroundings.stdin)
      if (file.kind !== 'source')
        return session.usage(
          `There is nothing to compile in ${file.kind === 'apb' ? 'an .apb file' : `a ${file.kind}`}: see lucihub inspect.`,
        )
      const { source, name } = file
      const { device, opTime, k0, out } = options
      const result = await session.client.compile({
        source,
        opTimeNs: opTime,
        ...(device !== undefined && { device }),
        ...(k0 !== undefined && { k0 }),
      })
      for (const diagnostic of result.diagnostics) session.note(renderDiagnostic(source, diagnostic, name))
      if (out !== undefined && result.configuration) {
        const form = /\.(apb|svg)$/i.exec(out)?.[1]?.toLowerCase()
        const on = device === undefined ? {} : { device }
        await save(
          out,
          form === 'apb' || form === 'svg'
            ? await session.client.inspect(result.configuration, { ...on, format: form })
            : `${JSON.stringify(result.configuration, null, 2)}\n`,
        )
      }
      await session.answer(result, result.report ? reportText(result.report) : `${name} does not compile.`)
      return result.compiles ? EXIT.ok : EXIT.failed
    },
  })
}
