/**
 * A project as the directory tree that HARDS keeps: a dataset is a directory with `children/`, `datapoints/`, `files/`
 * and `data.json`, a datapoint one with `files/` and `data.json`. Tree, data and current files go there and back; runs
 * and versions do not.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '@lucihub/analog'
import { PART_BYTES } from '../files/uploads.ts'
import { uuid7 } from '../runs/uuid7.ts'
import { checkName } from '../tree/names.ts'
import { blobBytes, projectId, writeHashed } from './archive-export.ts'
import { inSession, type MaintenanceSession } from './session.ts'

export interface TreeCount {
  readonly project: string
  readonly datasets: number
  readonly datapoints: number
  readonly files: number
}

interface Node {
  readonly id: string
  readonly name: string
  readonly data: unknown
}

export async function exportHards(url: string, { project, dir }: { project: string; dir: string }): Promise<TreeCount> {
  return inSession(url, 'read', async (session) => {
    const id = await projectId(session, project)
    const count = { datasets: 0, datapoints: 0, files: 0 }
    await mkdir(join(dir, 'children'), { recursive: true })
    const descend = async (parent: { readonly datasetId: string | null; readonly dir: string }): Promise<void> => {
      const datasets = await session.query<Node>(
        'SELECT id, name, data FROM dataset WHERE project_id = $1 AND parent_id IS NOT DISTINCT FROM $2 ORDER BY seq',
        [id, parent.datasetId],
      )
      for (const dataset of datasets) {
        const at = join(parent.dir, 'children', dataset.name)
        for (const folder of ['children', 'datapoints', 'files']) await mkdir(join(at, folder), { recursive: true })
        await writeData(at, dataset.data)
        count.datasets += 1
        count.files += await exportFiles(session, { kind: 'dataset', id: dataset.id, dir: at })
        const points = 'SELECT id, name, data FROM datapoint WHERE dataset_id = $1 ORDER BY seq'
        for (const point of await session.query<Node>(points, [dataset.id])) {
          const place = join(at, 'datapoints', point.name)
          await mkdir(join(place, 'files'), { recursive: true })
          await writeData(place, point.data)
          count.datapoints += 1
          count.files += await exportFiles(session, { kind: 'datapoint', id: point.id, dir: place })
        }
        await descend({ datasetId: dataset.id, dir: at })
      }
    }
    await descend({ datasetId: null, dir })
    return { project, ...count }
  })
}

/** Into a new project of a local user. Problems: `validation-failed` for names, `state-conflict` for the project. */
export async function importHards(
  url: string,
  { dir, slug, owner }: { readonly dir: string; readonly slug: string; readonly owner: string },
): Promise<TreeCount> {
  checkName(slug, '/as')
  return inSession(url, 'write', async (session) => {
    const [user] = await session.query<{ readonly id: string }>(
      `SELECT id FROM app_user WHERE username = $1 AND provider = 'local'`,
      [owner],
    )
    if (!user) throw new Problem('not-found', `There is no local user "${owner}".`)
    const id = uuid7(Date.now())
    const made = await session.query(
      'INSERT INTO project (id, slug, owner_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id',
      [id, slug, user.id],
    )
    if (made.length === 0) throw new Problem('state-conflict', `There is a project "${slug}" already.`)
    await session.query(`INSERT INTO project_member (project_id, user_id, role) VALUES ($1, $2, 'owner')`, [
      id,
      user.id,
    ])
    const count = { datasets: 0, datapoints: 0, files: 0 }
    const descend = async (at: { dir: string; path: string; ancestors: readonly string[] }): Promise<void> => {
      for (const name of await namesIn(join(at.dir, 'children'))) {
        const place = join(at.dir, 'children', name)
        const datasetId = uuid7(Date.now())
        const ancestors = [...at.ancestors, datasetId]
        const path = `${at.path}/${name}`
        await session.query(
          `INSERT INTO dataset (id, project_id, parent_id, name, path, ancestors, data, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [datasetId, id, at.ancestors.at(-1) ?? null, name, path, ancestors, await readData(place), user.id],
        )
        count.datasets += 1
        count.files += await importFiles(session, { kind: 'dataset', id: datasetId, dir: place, userId: user.id })
        for (const pointName of await namesIn(join(place, 'datapoints'))) {
          const pointDir = join(place, 'datapoints', pointName)
          const pointId = uuid7(Date.now())
          await session.query(
            'INSERT INTO datapoint (id, dataset_id, name, data, created_by) VALUES ($1, $2, $3, $4, $5)',
            [pointId, datasetId, pointName, await readData(pointDir), user.id],
          )
          count.datapoints += 1
          count.files += await importFiles(session, { kind: 'datapoint', id: pointId, dir: pointDir, userId: user.id })
        }
        await descend({ dir: place, path, ancestors })
      }
    }
    await descend({ dir, path: slug, ancestors: [] })
    return { project: slug, ...count }
  })
}

async function writeData(dir: string, data: unknown): Promise<void> {
  await writeFile(join(dir, 'data.json'), JSON.stringify(data), { flag: 'wx' })
}

async function exportFiles(
  session: MaintenanceSession,
  { kind, id, dir }: { readonly kind: 'dataset' | 'datapoint'; readonly id: string; readonly dir: string },
): Promise<number> {
  const files = await session.query<{ readonly name: string; readonly blob_id: string }>(
    `SELECT f.name, b.id AS blob_id FROM file f JOIN blob b ON b.sha256 = f.sha256
      WHERE f.owner_kind = $1 AND f.owner_id = $2 AND f.current ORDER BY f.seq`,
    [kind, id],
  )
  for (const { name, blob_id } of files)
    await writeHashed({ dir, path: join('files', name) }, blobBytes(session, blob_id))
  return files.length
}

async function importFiles(
  session: MaintenanceSession,
  { kind, id, dir, userId }: { kind: 'dataset' | 'datapoint'; id: string; dir: string; userId: string },
): Promise<number> {
  const names = await namesIn(join(dir, 'files'))
  for (const name of names) {
    const bytes = await readFile(join(dir, 'files', name))
    const sha256 = createHash('sha256').update(bytes).digest()
    const [blob] = await session.query<{ readonly id: string }>(
      'INSERT INTO blob (id, sha256, size) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING RETURNING id',
      [uuid7(Date.now()), sha256, bytes.length],
    )
    for (let at = 0; blob && at < bytes.length; at += PART_BYTES)
      await session.query('INSERT INTO blob_part (blob_id, number, bytes) VALUES ($1, $2, $3)', [
        blob.id,
        at / PART_BYTES,
        bytes.subarray(at, at + PART_BYTES),
      ])
    await session.query(
      `INSERT INTO file (id, owner_kind, owner_id, name, version, size, sha256, content_type, created_by)
        VALUES ($1, $2, $3, $4, 1, $5, $6, 'application/octet-stream', $7)`,
      [uuid7(Date.now()), kind, id, name, bytes.length, sha256, userId],
    )
  }
  return names.length
}

/** In the order of the alphabet; a directory has no other. What operating systems leave lying around is no member of the tree. */
async function namesIn(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => name !== '.DS_Store')
    .sort()
    .map((name) => checkName(name))
}

async function readData(dir: string): Promise<string> {
  const text = await readFile(join(dir, 'data.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  const data: unknown = JSON.parse(text)
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new Problem('validation-failed', `${join(dir, 'data.json')} holds no JSON object.`)
  return JSON.stringify(data)
}
