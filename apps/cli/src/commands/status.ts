import { define, type Shell } from '../command.ts'
import { EXIT } from '../exit.ts'
import { formatDuration } from '../show/duration.ts'
import { facts, table } from '../show/table.ts'

/** `lucihub status`: exit code 3 when a service cannot be reached. */
export function statusCommand(shell: Shell): void {
  define(shell, {
    name: 'status',
    summary: 'Say how the hub and its services are.',
    examples: ['status', 'status --url http://hub.example:8080 --json'],
    async work({ session }) {
      const status = await session.client.status()
      const { name, version, uptimeS, ready, services } = status
      const heading = facts([
        ['hub', `${name} ${version}`],
        ['up for', formatDuration(uptimeS * 1e9)],
        ['ready', ready ? 'yes' : 'no'],
      ])
      const list = table(
        [{ title: 'SERVICE' }, { title: 'STATE' }, { title: 'DETAIL' }],
        services.map((service) => [service.name, service.reachable ? 'reachable' : 'unreachable', service.detail]),
      )
      await session.answer(status, `${heading}\n\n${list}`)
      return ready ? EXIT.ok : EXIT.api
    },
  })
}
