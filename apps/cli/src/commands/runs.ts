import type { RunKind, RunState } from '@lucihub/analog'
import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { parseKinds, parseStates } from '../options.ts'
import { formatCount, formatDuration, parseCount } from '../show/duration.ts'
import { table } from '../show/table.ts'
import { shorten } from '../show/text.ts'

interface Options {
  readonly state?: readonly RunState[]
  readonly kind?: readonly RunKind[]
  readonly device?: string
  readonly limit?: number
  readonly cursor?: string
}

const TITLE_WIDTH = 40

/** `lucihub runs`: newest first, a page at a time. */
export function runsCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'runs',
    summary: 'List runs, newest first.',
    examples: [
      'runs',
      'runs --state queued,running',
      'runs --device lucidac-1 --limit 10',
      'runs --kind simulate --json',
    ],
    build(command) {
      command
        .option('--state <states>', 'only in these states, comma-separated', parseStates)
        .option('--kind <kinds>', 'only of these kinds: run, simulate, compile', parseKinds)
        .option('--device <name>', 'only on this device (id or name)')
        .option('--limit <count>', 'runs per page, 1 to 200 (default: 50)', parseCount)
        .option('--cursor <cursor>', 'the page that the page before named')
    },
    async work({ session, options: { state, kind, device, limit, cursor } }) {
      const page = await session.client.runs({
        ...(state && { state }),
        ...(kind && { kind }),
        ...(device !== undefined && { device }),
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      })
      const rows = page.runs.map((run) => [
        run.id,
        run.state,
        run.kind,
        run.attempts.at(-1)?.deviceId ?? run.deviceId ?? '',
        run.submittedAt.replace(/\.\d+Z$/, 'Z'),
        formatDuration(run.opTimeNs),
        formatCount(run.storedSamples),
        shorten(run.title, TITLE_WIDTH),
      ])
      const right = 'right' as const
      const columns = [
        { title: 'RUN' },
        { title: 'STATE' },
        { title: 'KIND' },
        { title: 'DEVICE' },
        { title: 'SUBMITTED' },
        { title: 'OP TIME', align: right },
        { title: 'SAMPLES', align: right },
        { title: 'TITLE' },
      ]
      await session.answer(page, rows.length > 0 ? table(columns, rows) : 'No runs.')
      if (page.nextCursor !== null && !session.json) session.note(`More: --cursor ${page.nextCursor}`)
      return EXIT.ok
    },
  })
}
