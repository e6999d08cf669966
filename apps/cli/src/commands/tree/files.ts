import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FileResource } from '@lucihub/sdk'
import { define, group, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { bodyOf, save } from '../../save.ts'
import { formatCount, parseCount } from '../../show/duration.ts'
import { table } from '../../show/table.ts'
import { every, fileOwner, shortTime } from './address.ts'

/** `lucihub files …`. A place is a path to a dataset or datapoint, or the id of a run. */
export function filesCommands(shell: Shell): void {
  const within = group(shell.program, 'files', 'Files of datasets, datapoints and runs.')

  define<{ readonly versions?: string }>(shell, {
    name: 'list <place>',
    within,
    summary: 'List the files at a path, or of a run.',
    examples: ['files list oscillators/warm-up', 'files list oscillators/warm-up/p.0 --versions scope.csv'],
    build: (command) => void command.option('--versions <name>', 'all versions of this file, the newest first'),
    async work({ session, args: [place = ''], options: { versions } }) {
      const { files: api } = session.client
      const owner = await fileOwner(session.client, place)
      const files = await every(
        (page) => (versions === undefined ? api.list(owner, page) : api.versions(owner, versions, page)),
        (page) => page.files,
      )
      await session.answer({ files }, files.length > 0 ? fileTable(files) : 'No files.')
      return EXIT.ok
    },
  })

  define<{ readonly name?: string; readonly type?: string }>(shell, {
    name: 'put <place> <file>',
    within,
    summary: 'Put a file there. A file of that name gets a new version.',
    examples: [
      'files put oscillators/warm-up/p.0 scope.csv',
      'files put oscillators/warm-up photo.raw --name photo --type image/jpeg',
    ],
    build: (command) =>
      void command
        .option('--name <name>', 'its name in the hub (default: that of the file)')
        .option('--type <type>', 'its media type (default: application/octet-stream)'),
    async work({ session, args: [place = '', path = ''], options: { name = basename(path), type } }) {
      const owner = await fileOwner(session.client, place)
      const content = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>
      const file = await session.client.files.put(owner, name, content, type === undefined ? {} : { contentType: type })
      await session.answer(file, `${place}: ${file.name}, version ${file.version}, ${formatCount(file.size)} bytes`)
      return EXIT.ok
    },
  })

  define<{ readonly version?: number; readonly out?: string }>(shell, {
    name: 'get <place> <name>',
    within,
    summary: 'Write the content of a file to stdout or to a file.',
    examples: [
      'files get oscillators/warm-up/p.0 scope.csv > scope.csv',
      'files get oscillators/warm-up photo --version 1 --out photo.jpg',
    ],
    build: (command) =>
      void command
        .option('--version <number>', 'an older version (default: the current one)', parseCount)
        .option('-o, --out <file>', 'write to this file'),
    async work({ session, args: [place = '', name = ''], options: { version, out } }) {
      const { client, json, surroundings } = session
      if (json && out === undefined) session.usage('The content goes to stdout: use --out with --json.')
      const owner = await fileOwner(client, place)
      const response = await client.files.get(owner, name, version === undefined ? {} : { version })
      if (out === undefined) await pipeline(bodyOf(response), surroundings.stdout, { end: false })
      else {
        await save(out, response)
        await session.answer({ name, file: out }, `wrote ${out}`)
      }
      return EXIT.ok
    },
  })
}

function fileTable(files: readonly FileResource[]): string {
  const columns = [
    { title: 'FILE' },
    { title: 'VERSION', align: 'right' as const },
    { title: 'BYTES', align: 'right' as const },
    { title: 'TYPE' },
    { title: 'PUT' },
    { title: 'SHA256' },
  ]
  const rows = files.map(({ name, version, size, contentType, createdAt, sha256 }) => [
    name,
    String(version),
    formatCount(size),
    contentType,
    shortTime(createdAt),
    sha256.slice(0, 16),
  ])
  return table(columns, rows)
}
