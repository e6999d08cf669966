import type { Data } from '@lucihub/sdk'
import { define, group, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { facts, table } from '../../show/table.ts'
import { every, found, parentOf, parseData, shortTime } from './address.ts'

/** `lucihub datasets …`. */
export function datasetsCommands(shell: Shell): void {
  const within = group(shell.program, 'datasets', 'Datasets: what datapoints lie in, to any depth.')

  define(shell, {
    name: 'list <path>',
    within,
    summary: 'List the datasets directly in a project or dataset.',
    examples: ['datasets list oscillators', 'datasets list oscillators/warm-up --json'],
    async work({ session, args: [path = ''] }) {
      const { client } = session
      const { kind, id } = await client.tree.resolve(path, { kind: 'dataset' })
      const parent = kind === 'project' ? { project: id } : { dataset: id }
      const datasets = await every(
        (page) => client.tree.datasets(parent, page),
        (page) => page.datasets,
      )
      const columns = [{ title: 'DATASET' }, { title: 'MADE' }, { title: 'ID' }]
      const rows = datasets.map((dataset) => [dataset.path, shortTime(dataset.createdAt), dataset.id])
      await session.answer({ datasets }, rows.length > 0 ? table(columns, rows) : 'No datasets.')
      return EXIT.ok
    },
  })

  define<{ readonly data?: Data; readonly pointSchema?: Data }>(shell, {
    name: 'create <path>',
    within,
    summary: 'Create a dataset; what it lies in must exist.',
    examples: [
      'datasets create oscillators/warm-up',
      'datasets create oscillators/warm-up/day-1 --data \'{"unit": "V"}\'',
    ],
    build: (command) =>
      void command
        .option('--data <json>', 'a JSON object', parseData)
        .option('--point-schema <json>', 'a JSON Schema for the data of its datapoints', parseData),
    async work({ session, args: [path = ''], options: { data, pointSchema } }) {
      const { parent, name } = await parentOf(session.client, path)
      const wanted = { name, ...(data && { data }), ...(pointSchema && { pointSchema }) }
      const dataset = await session.client.tree.createDataset(parent, wanted)
      await session.answer(dataset, `Created dataset ${dataset.path}.`)
      return EXIT.ok
    },
  })

  define<{ readonly effective?: boolean }>(shell, {
    name: 'show <path>',
    within,
    summary: 'Show a dataset with its data.',
    examples: ['datasets show oscillators/warm-up', 'datasets show oscillators/warm-up --effective --json'],
    build: (command) => void command.option('--effective', 'with the data of everything above it'),
    async work({ session, args: [path = ''], options: { effective } }) {
      const dataset = await found(session.client, path, 'dataset')
      const data = effective ? await session.client.tree.data('dataset', dataset.id, { effective }) : dataset.data
      const text = facts([
        ['dataset', dataset.path],
        ['id', dataset.id],
        ['made', shortTime(dataset.createdAt)],
        ['version', String(dataset.dataVersion)],
        ['data', JSON.stringify(data)],
        ['schema', dataset.pointSchema && JSON.stringify(dataset.pointSchema)],
      ])
      await session.answer({ ...dataset, data }, text)
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'set <path> <json>',
    within,
    summary: 'Add to the data of a dataset: these keys are replaced, the others stay.',
    examples: ['datasets set oscillators/warm-up \'{"unit": "V"}\''],
    async work({ session, args: [path = '', json = ''] }) {
      const { id } = await found(session.client, path, 'dataset')
      const data = await session.client.tree.patchData('dataset', id, dataArgument(session, json))
      await session.answer(data, JSON.stringify(data))
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'delete <path>',
    within,
    summary: 'Delete a dataset that is empty.',
    examples: ['datasets delete oscillators/warm-up'],
    async work({ session, args: [path = ''] }) {
      const { id } = await found(session.client, path, 'dataset')
      await session.client.tree.deleteDataset(id)
      await session.answer({ deleted: path }, `Deleted dataset ${path}.`)
      return EXIT.ok
    },
  })
}

/** An argument that is no JSON object is a wrong command line. */
export function dataArgument(session: { usage(message: string): never }, json: string): Data {
  try {
    return parseData(json)
  } catch (failure) {
    return session.usage(`'${json}' is not usable: ${failure instanceof Error ? failure.message : 'no JSON'}`)
  }
}
