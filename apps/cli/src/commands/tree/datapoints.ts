import { Problem } from '@lucihub/analog'
import type { Data } from '@lucihub/sdk'
import { define, group, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { facts, table } from '../../show/table.ts'
import { shorten } from '../../show/text.ts'
import { every, found, parentOf, parseData, shortTime } from './address.ts'
import { dataArgument } from './datasets.ts'

const DATA_WIDTH = 60

/** `lucihub datapoints …`. */
export function datapointsCommands(shell: Shell): void {
  const within = group(shell.program, 'datapoints', 'Datapoints: the leaves of the tree, with data and files.')

  define<{ readonly own?: boolean; readonly data?: boolean }>(shell, {
    name: 'list <dataset>',
    within,
    summary: 'List the datapoints of a dataset, then those of its ancestors, the nearest first.',
    examples: ['datapoints list oscillators/warm-up', 'datapoints list oscillators/warm-up --own --data --json'],
    build: (command) =>
      void command.option('--own', 'only those of the dataset itself').option('--data', 'with their data'),
    async work({ session, args: [path = ''], options: { own, data } }) {
      const { tree } = session.client
      const { id } = await found(session.client, path, 'dataset')
      const options = { inherit: !own, data: data ?? false }
      const datapoints = await every(
        (page) => tree.datapoints(id, { ...page, ...options }),
        (page) => page.datapoints,
      )
      const columns = [
        { title: 'DATAPOINT' },
        { title: 'MADE' },
        { title: 'RUN' },
        ...(data ? [{ title: 'DATA' }] : []),
      ]
      const rows = datapoints.map((datapoint) => [
        datapoint.path,
        shortTime(datapoint.createdAt),
        datapoint.runId ?? '',
        ...(data ? [shorten(JSON.stringify(datapoint.data), DATA_WIDTH)] : []),
      ])
      await session.answer({ datapoints }, rows.length > 0 ? table(columns, rows) : 'No datapoints.')
      return EXIT.ok
    },
  })

  define<{ readonly data?: Data }>(shell, {
    name: 'create <path>',
    within,
    summary: 'Create a datapoint in a dataset.',
    examples: [
      'datapoints create oscillators/warm-up/p.0',
      'datapoints create oscillators/warm-up/p.1 --data \'{"gain": 2}\'',
    ],
    build: (command) => void command.option('--data <json>', 'a JSON object', parseData),
    async work({ session, args: [path = ''], options: { data } }) {
      const { parent, name } = await parentOf(session.client, path)
      if (!('dataset' in parent))
        throw new Problem('invalid-request', `"${path}" has no dataset: write project/dataset/name.`)
      const datapoint = await session.client.tree.createDatapoint(parent.dataset, { name, ...(data && { data }) })
      await session.answer(datapoint, `Created datapoint ${datapoint.path}.`)
      return EXIT.ok
    },
  })

  define<{ readonly effective?: boolean }>(shell, {
    name: 'show <path>',
    within,
    summary: 'Show a datapoint with its data.',
    examples: ['datapoints show oscillators/warm-up/p.0', 'datapoints show oscillators/warm-up/p.0 --effective --json'],
    build: (command) => void command.option('--effective', 'with the data of everything above it'),
    async work({ session, args: [path = ''], options: { effective } }) {
      const datapoint = await found(session.client, path, 'datapoint')
      const data = effective ? await session.client.tree.data('datapoint', datapoint.id, { effective }) : datapoint.data
      const text = facts([
        ['datapoint', datapoint.path],
        ['id', datapoint.id],
        ['run', datapoint.runId],
        ['made', shortTime(datapoint.createdAt)],
        ['version', String(datapoint.dataVersion)],
        ['data', JSON.stringify(data)],
      ])
      await session.answer({ ...datapoint, data }, text)
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'set <path> <json>',
    within,
    summary: 'Add to the data of a datapoint: these keys are replaced, the others stay.',
    examples: ['datapoints set oscillators/warm-up/p.0 \'{"note": "by hand"}\''],
    async work({ session, args: [path = '', json = ''] }) {
      const { id } = await found(session.client, path, 'datapoint')
      const data = await session.client.tree.patchData('datapoint', id, dataArgument(session, json))
      await session.answer(data, JSON.stringify(data))
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'delete <path>',
    within,
    summary: 'Delete a datapoint with its files. That of a run goes only with its run.',
    examples: ['datapoints delete oscillators/warm-up/p.0'],
    async work({ session, args: [path = ''] }) {
      const { id } = await found(session.client, path, 'datapoint')
      await session.client.tree.deleteDatapoint(id)
      await session.answer({ deleted: path }, `Deleted datapoint ${path}.`)
      return EXIT.ok
    },
  })
}
