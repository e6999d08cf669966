import type { DeviceDescription, Entity } from '@lucihub/analog'
import type { DeviceResource } from '@lucihub/sdk'
import { define, type Invocation, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { facts, table } from '../show/table.ts'
import { printable } from '../show/text.ts'

interface Options {
  readonly active?: boolean
}

/** `lucihub devices [ID]`: all devices, or one with its parts. */
export function devicesCommand(shell: Shell): void {
  define<Options>(shell, {
    name: 'devices [id]',
    summary: 'List the devices, or show one of them (by id or name).',
    examples: ['devices', 'devices --active', 'devices lucidac-1', 'devices 04-E9-E5-15-87-A0 --json'],
    build: (command) => void command.option('--active', 'only those that answer now'),
    async work(invocation) {
      const [id] = invocation.args
      await (id === undefined ? list(invocation) : show(invocation, id))
      return EXIT.ok
    },
  })
}

async function list({ session, options }: Invocation<Options>): Promise<void> {
  const devices = await session.client.devices({ activeOnly: options.active ?? false })
  const rows = devices.map((device) => [
    device.name,
    device.id,
    device.deviceClass,
    stateOf(device),
    String(device.queueLength),
    device.executorHost ?? '',
  ])
  const columns = [
    { title: 'NAME' },
    { title: 'ID' },
    { title: 'CLASS' },
    { title: 'STATE' },
    { title: 'QUEUE', align: 'right' as const },
    { title: 'HOST' },
  ]
  await session.answer({ devices }, devices.length > 0 ? table(columns, rows) : 'No devices.')
}

async function show({ session }: Invocation<Options>, id: string): Promise<void> {
  const [device, entity] = await Promise.all([session.client.device(id), session.client.entity(id)])
  const text = facts([
    ['name', device.name],
    ['id', device.id],
    ['class', device.deviceClass],
    ['state', stateOf(device)],
    ['reason', device.approvalReason],
    ['source', device.source],
    ['generation', device.generation],
    ['firmware', device.firmware],
    ['queue', String(device.queueLength)],
    ['host', device.executorHost],
    ['first seen', device.firstSeenAt],
    ['last seen', device.lastSeenAt],
    ['description', device.descriptionHash],
  ])
  await session.answer({ ...device, entity }, `${text}\n\n${tree(entity)}`)
}

/** One word for people: what stands in the way comes first. */
export function stateOf({ active, leased, approval, offered }: DeviceResource): string {
  if (approval !== 'approved') return approval
  if (!active) return 'absent'
  if (!offered) return 'withheld'
  return leased ? 'driven' : 'free'
}

function tree({ carriers }: DeviceDescription): string {
  const lines = (entity: Entity, indent: string): string[] => {
    const { major, minor, patch } = entity.version ?? { major: 0, minor: 0, patch: 0 }
    const version = entity.version ? ` v${major}.${minor}.${patch}` : ''
    const line = `${indent}/${entity.id}  ${entity.class} type ${entity.type}${version}`
    return [printable(line), ...entity.children.flatMap((child) => lines(child, `${indent}  `))]
  }
  return carriers.flatMap((carrier) => lines(carrier, '')).join('\n')
}
