import type { DeviceWindow } from '@lucihub/sdk'
import { Option } from 'commander'
import { define, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { stateOf } from '../devices.ts'
import { adminGroup } from './group.ts'

const VERDICTS = {
  approve: 'Let a candidate in: it is trusted as it is seen now.',
  quarantine: 'Keep a device out: nobody gets it before it is released.',
  release: 'Let a device out of quarantine: it is trusted as it is seen now.',
} as const

interface OfferOptions {
  readonly drain?: boolean
  readonly resume?: boolean
  readonly from?: string
  readonly until?: string
  readonly zone: string
  readonly always?: boolean
}

/** `lucihub admin devices list|approve|quarantine|release|history|offer`. */
export function adminDevicesCommands(shell: Shell): void {
  const within = adminGroup(shell, 'devices', 'Which devices the hub gives away, and when.')

  define(shell, {
    name: 'list',
    within,
    summary: 'List the devices with what stands in their way.',
    examples: ['admin devices list', 'admin devices list --json'],
    async work({ session }) {
      const devices = await session.client.devices()
      const columns = ['NAME', 'ID', 'APPROVAL', 'STATE', 'SOURCE', 'REASON'].map((title) => ({ title }))
      const rows = devices.map((one) => [one.name, one.id, one.approval, stateOf(one), one.source, one.approvalReason])
      await session.answer({ devices }, devices.length > 0 ? table(columns, rows) : 'No devices.')
      return EXIT.ok
    },
  })

  for (const verdict of ['approve', 'quarantine', 'release'] as const)
    define<{ readonly reason: string }>(shell, {
      name: `${verdict} <device>`,
      within,
      summary: VERDICTS[verdict],
      examples: [`admin devices ${verdict} lucidac-1 --reason "seen in the rack"`],
      build: (command) => void command.option('--reason <text>', 'for the history and the audit', ''),
      async work({ session, args, options: { reason } }) {
        const device = await session.client.judgeDevice(args[0] ?? '', { verdict, reason })
        await session.answer(device, `${device.name} (${device.id}) is ${device.approval}.`)
        return EXIT.ok
      },
    })

  define<{ readonly before?: number; readonly limit?: number }>(shell, {
    name: 'history <device>',
    within,
    summary: 'What became of a device, newest first.',
    examples: ['admin devices history lucidac-1', 'admin devices history lucidac-1 --limit 500 --json'],
    build: (command) =>
      void command
        .option('--before <seq>', 'changes before this one', parseCount)
        .option('--limit <count>', '1 to 500 (default: 100)', parseCount),
    async work({ session, args, options: { before, limit } }) {
      const changes = await session.client.deviceHistory(args[0] ?? '', {
        ...(before !== undefined && { before }),
        ...(limit !== undefined && { limit }),
      })
      const columns = ['SEQ', 'AT', 'CHANGE', 'DETAIL'].map((title) => ({ title }))
      const rows = changes.map(({ seq, at, change, detail }) => [String(seq), at, change, JSON.stringify(detail)])
      await session.answer({ changes }, changes.length > 0 ? table(columns, rows) : 'Nothing happened to it.')
      return EXIT.ok
    },
  })

  define<OfferOptions>(shell, {
    name: 'offer <device>',
    within,
    summary: 'Say when a device is offered; runs under way are not touched.',
    examples: [
      'admin devices offer lucidac-1 --drain',
      'admin devices offer lucidac-1 --resume',
      'admin devices offer lucidac-1 --from 08:00 --until 18:00 --zone Europe/Berlin',
      'admin devices offer lucidac-1 --always',
    ],
    build: (command) =>
      void command
        .option('--drain', 'it finishes what it does and gets nothing new')
        .addOption(new Option('--resume', 'the end of --drain').conflicts('drain'))
        .option('--from <HH:MM>', 'begin of the daily window')
        .option('--until <HH:MM>', 'end of the daily window')
        .option('--zone <name>', 'time zone of the window', 'UTC')
        .addOption(new Option('--always', 'no window').conflicts(['from', 'until'])),
    async work({ session, args, options: { drain, resume, from, until, zone, always } }) {
      if ((from === undefined) !== (until === undefined)) session.usage('A window needs both --from and --until.')
      const window: DeviceWindow | null = from !== undefined && until !== undefined ? { from, until, zone } : null
      const offer = {
        ...((drain ?? resume) && { drained: drain ?? false }),
        ...((window ?? always) && { window }),
      }
      if (Object.keys(offer).length === 0) session.usage('Say what to change: --drain, --resume, --from or --always.')
      const device = await session.client.offerDevice(args[0] ?? '', offer)
      const when = device.window
        ? `from ${device.window.from} until ${device.window.until} (${device.window.zone})`
        : 'at any time'
      await session.answer(device, `${device.name}: ${device.drained ? 'drained' : `offered ${when}`}.`)
      return EXIT.ok
    },
  })
}
