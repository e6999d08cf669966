import { pipeline } from 'node:stream/promises'
import type { Position, ResultFormat } from '@lucihub/sdk'
import { Option } from 'commander'
import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseList } from '../options.ts'
import { bodyOf, formatOf, save } from '../save.ts'
import { parsePosition } from '../show/duration.ts'

interface Options {
  readonly format?: ResultFormat
  readonly channels?: readonly string[]
  readonly from?: Position
  readonly to?: Position
  readonly time?: 'op' | 'problem'
  readonly out?: string
}

/** `lucihub results ID`: the measurements, streamed. */
export function resultsCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'results <id>',
    summary: 'Write the measurements of a run to stdout or a file.',
    examples: [
      'results 0199b0a4-7c1e-7000-8000-000000000001 > data.csv',
      'results 0199b0a4-7c1e-7000-8000-000000000001 --format raw --channels x,z --out data.raw',
      'results 0199b0a4-7c1e-7000-8000-000000000001 --from 1ms --to 2ms',
      "results 0199b0a4-7c1e-7000-8000-000000000001 --from '#0' --to '#100' --json",
    ],
    build(command) {
      command
        .addOption(
          new Option('--format <format>', 'csv, json, or raw: float32, channel after channel').choices([
            'csv',
            'json',
            'raw',
          ]),
        )
        .option('--channels <list>', 'labels or indices, comma-separated (default: all)', parseList)
        .option('--from <place>', 'first instant: an op time such as 1ms, or a sample such as #100', parsePosition)
        .option('--to <place>', 'where to end, exclusive', parsePosition)
        .addOption(new Option('--time <axis>', 'what the time column counts').choices(['op', 'problem']))
        .option('-o, --out <file>', 'write to a file; its extension chooses the format')
    },
    async work({ session, args, options: { format, channels, from, to, time, out } }) {
      const { json, surroundings, client } = session
      if (json && out === undefined && format !== undefined && format !== 'json') {
        session.usage(`--json prints JSON: use --format json, or --out for ${format}.`)
      }
      const chosen = format ?? (out === undefined ? (json ? 'json' : 'csv') : formatOf(out))
      const id = args[0] ?? ''
      const response = await client.results(id, {
        format: chosen,
        ...(channels && { channels }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(time && { time }),
      })
      if (out === undefined) {
        await pipeline(bodyOf(response), surroundings.stdout, { end: false })
      } else {
        await save(out, response)
        await session.answer({ run: id, file: out, format: chosen }, `wrote ${out}`)
      }
      return EXIT.ok
    },
  })
}
