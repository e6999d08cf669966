/** What the commands of the tree share: paths instead of ids, data as JSON, pages until the end. */
import { Problem } from '@lucihub/analog'
import type { Client, Data, DatasetParent, FileOwner, ResolvedResource } from '@lucihub/sdk'
import { InvalidArgumentError } from 'commander'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What lies at a path, of the kind that the command is about. Problem `not-found`. */
export async function found<K extends 'dataset' | 'datapoint'>(
  client: Client,
  path: string,
  kind: K,
): Promise<NonNullable<ResolvedResource[K]>> {
  const thing = (await client.tree.resolve(path, { kind }))[kind]
  if (!thing) throw new Problem('not-found', `${path} is a project; a path to a ${kind} goes on below it.`)
  return thing
}

/** Where the last name of a path is to be made. */
export async function parentOf(client: Client, path: string): Promise<{ parent: DatasetParent; name: string }> {
  const names = path.split('/').filter((name) => name !== '')
  const name = names.pop() ?? ''
  const [project = ''] = names
  if (names.length === 0)
    throw new Problem('invalid-request', `"${path}" has no project: write project/${name || 'name'}.`)
  if (names.length === 1) return { parent: { project }, name }
  return { parent: { dataset: (await found(client, names.join('/'), 'dataset')).id }, name }
}

/** What a path or a run's id names, as the owner of files. */
export async function fileOwner(client: Client, place: string): Promise<FileOwner> {
  if (UUID.test(place)) return { kind: 'run', id: place }
  const { kind, id } = await client.tree.resolve(place)
  if (kind === 'project')
    throw new Problem('not-found', `${place} is a project; files lie in datasets, datapoints and runs.`)
  return { kind, id }
}

/** A JSON object, of an option or an argument. */
export function parseData(text: string): Data {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Data
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw new InvalidArgumentError('This is a JSON object: {"gain": 2}.')
}

/** Every page of a list. */
export async function every<Page extends { readonly nextCursor: string | null }, Entry>(
  page: (options: { limit: number; cursor?: string }) => Promise<Page>,
  entries: (page: Page) => readonly Entry[],
): Promise<Entry[]> {
  const all: Entry[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const next: Page = await page({ limit: 200, ...(cursor && { cursor }) })
    all.push(...entries(next))
    cursor = next.nextCursor
  }
  return all
}

/** A time as tables show it. */
export function shortTime(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z')
}
