/** Projects, datasets and datapoints over HTTP: names, paths, data that flows down, who may do what, many writers at once. */
import { jest } from '@jest/globals'
import { createClient, type Client } from '@lucihub/sdk'
import { lucihub } from '../command-line.ts'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub

beforeAll(async () => {
  const environment = { 'api-gateway': { REQUESTS_PER_SECOND: '100000', REQUEST_BURST: '100000' } }
  running = await runningHub({ environment })
})
afterAll(() => running?.stop())

interface Asked {
  readonly status: number
  readonly headers: Headers
  /** JSON of the answer; null for none. */
  readonly body: Body
}

/** The fields that these tests read one by one; which of them an answer has, its expectation says. */
interface Body {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly from: string
  readonly detail: string
  readonly pointSchema: unknown
  readonly violations: unknown
  readonly nextCursor: string | null
  readonly datasets: readonly Body[]
  readonly datapoints: readonly Body[]
}

async function ask(method: string, path: string, body?: unknown): Promise<Asked> {
  const response = await fetch(`${running.hub.url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${running.hub.apiKey}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : null) as Body }
}

let made = 0
const project = async (): Promise<string> => {
  made += 1
  const slug = `tree-${made}`
  expect((await ask('POST', '/projects', { slug })).status).toBe(201)
  return slug
}
const dataset = async (parent: string, name: string, rest: object = {}): Promise<string> => {
  const { status, body } = await ask('POST', `${parent}/datasets`, { name, ...rest })
  expect({ name, status }).toEqual({ name, status: 201 })
  return body.id
}
const point = async (datasetId: string, name: string, data?: object): Promise<string> => {
  const { status, body } = await ask('POST', `/datasets/${datasetId}/datapoints`, { name, ...(data && { data }) })
  expect({ name, status }).toEqual({ name, status: 201 })
  return body.id
}
/** Every page of a list of datapoints. */
async function all(path: string, limit = 200): Promise<Body[]> {
  const found: Body[] = []
  for (let cursor = ''; ;) {
    const join = path.includes('?') ? '&' : '?'
    const { status, body } = await ask('GET', `${path}${join}limit=${limit}${cursor && `&cursor=${cursor}`}`)
    expect(status).toBe(200)
    found.push(...body.datapoints)
    if (body.nextCursor === null) return found
    cursor = body.nextCursor
  }
}
const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name)

test('HD-01 datasets have one parent and any depth; a datapoint has no children', async () => {
  const slug = await project()
  let parent = `/projects/${slug}`
  for (let depth = 1; depth <= 20; depth++) {
    const id = await dataset(parent, 'd')
    const { body } = await ask('GET', `/datasets/${id}`)
    expect(body).toMatchObject({ depth, project: slug, parentId: depth === 1 ? null : parent.split('/').at(-1) })
    parent = `/datasets/${id}`
  }
  const leaf = await point(parent.split('/').at(-1) ?? '', 'p')
  for (const child of ['datasets', 'datapoints']) {
    expect((await ask('POST', `/datapoints/${leaf}/${child}`, { name: 'x' })).status).toBe(409)
    expect((await ask('POST', `/datasets/${leaf}/${child}`, { name: 'x' })).status).toBe(409)
  }
})

test('HD-02 a new project is empty', async () => {
  const { status, body, headers } = await ask('POST', '/projects', { slug: 'empty', title: 'Nothing yet' })
  expect([status, headers.get('location')]).toEqual([201, '/api/v1/projects/empty'])
  expect(body).toMatchObject({ slug: 'empty', title: 'Nothing yet', datasets: [], data: {}, role: 'owner' })
  expect((await ask('POST', '/projects', { slug: 'empty' })).body).toMatchObject({
    type: '/problems/state-conflict',
    detail: 'There is a project "empty" already.',
  })
  expect((await ask('GET', '/projects/empty')).body).toEqual(body)
  expect((await ask('GET', `/projects/${body.id}`)).body).toEqual(body)
})

test('HD-03 a name exists once per level, on other levels again', async () => {
  const slug = await project()
  const a = await dataset(`/projects/${slug}`, 'a')
  const again = await ask('POST', `/projects/${slug}/datasets`, { name: 'a' })
  expect([again.status, again.body.detail]).toEqual([409, `There is a dataset ${slug}/a already.`])
  const aa = await dataset(`/datasets/${a}`, 'a')
  await dataset(`/datasets/${aa}`, 'a')
  expect((await ask('POST', `/datasets/${a}/datasets`, { name: 'a' })).status).toBe(409)
  expect((await ask('GET', `/projects/${slug}/resolve?path=a/a/a`)).status).toBe(200)
})

test('HD-04 HD-05 what is missing is not found, and HEAD tells', async () => {
  const slug = await project()
  const id = await dataset(`/projects/${slug}`, 'a')
  const p = await point(id, 'p')
  const nobody = '00000000-0000-7000-8000-000000000000'
  for (const kind of ['datasets', 'datapoints']) {
    expect((await ask('GET', `/${kind}/${nobody}`)).status).toBe(404)
    expect((await ask('HEAD', `/${kind}/${nobody}`)).status).toBe(404)
    expect((await ask('HEAD', `/${kind}/not-an-id`)).status).toBe(404)
  }
  expect((await ask('HEAD', `/datasets/${id}`)).status).toBe(200)
  expect((await ask('HEAD', `/datapoints/${p}`)).status).toBe(200)
  expect((await ask('HEAD', `/projects/${slug}`)).status).toBe(200)
  expect((await ask('HEAD', '/projects/nowhere')).status).toBe(404)
})

test('HD-06 children are the direct ones', async () => {
  const slug = await project()
  const a = await dataset(`/projects/${slug}`, 'a')
  await dataset(`/projects/${slug}`, 'b')
  const below = await dataset(`/datasets/${a}`, 'below')
  await dataset(`/datasets/${below}`, 'deeper')
  expect(names((await ask('GET', `/datasets/${a}/datasets`)).body.datasets)).toEqual(['below'])
  expect(names((await ask('GET', `/projects/${slug}/datasets`)).body.datasets)).toEqual(['a', 'b'])
  expect((await ask('GET', `/projects/${slug}`)).body.datasets).toEqual(['a', 'b'])
  const { body } = await ask('GET', `/projects/${slug}/tree?depth=2`)
  expect(body.datasets).toMatchObject([
    { name: 'a', path: `${slug}/a`, datasets: [{ name: 'below', path: `${slug}/a/below`, datasets: [] }] },
    { name: 'b', datapoints: 0, datasets: [] },
  ])
  expect((await ask('GET', `/projects/${slug}/tree`)).body.datasets[0]?.datasets[0]?.datasets).toMatchObject([
    { name: 'deeper', path: `${slug}/a/below/deeper` },
  ])
})

test('HD-07 HD-08 HD-15 HD-16 paths lead to datasets and datapoints, whatever the slashes', async () => {
  const slug = await project()
  const a = await dataset(`/projects/${slug}`, 'a')
  const b = await dataset(`/datasets/${a}`, 'b')
  const c = await dataset(`/datasets/${b}`, 'c')
  const p = await point(b, 'p')
  const resolve = (path: string) => ask('GET', `/projects/${slug}/resolve?path=${encodeURIComponent(path)}`)
  for (const path of ['a/b/c', '/a/b/c/', 'a//b/c', 'a/b/c//'])
    expect((await resolve(path)).body).toMatchObject({ kind: 'dataset', id: c, path: `${slug}/a/b/c` })
  for (const path of ['a/b/p', '/a/b/p/'])
    expect((await resolve(path)).body).toMatchObject({ kind: 'datapoint', id: p, path: `${slug}/a/b/p` })
  expect((await resolve('')).body).toMatchObject({ kind: 'project', path: slug })
  const missing = await resolve('a/x/c')
  expect([missing.status, missing.body.detail]).toEqual([404, `There is no "x" in ${slug}/a.`])
  expect((await resolve('nothing/at/all')).body.detail).toBe(`There is no "nothing" in project "${slug}".`)
  expect((await resolve('a/b/p/q')).body.detail).toBe(`There is no "p" in ${slug}/a/b.`)

  const { body } = await ask('GET', `/datapoints/${p}`)
  expect(body).toMatchObject({ path: `${slug}/a/b/p`, from: `${slug}/a/b`, datasetId: b, project: slug })
  expect((await resolve(body.path.slice(slug.length))).body.id).toBe(p)
  expect((await ask('GET', `/datasets/${c}`)).body).toMatchObject({ parentId: b, project: slug, path: `${slug}/a/b/c` })

  // A dataset and a datapoint may share a path; the kind tells them apart.
  const twin = await point(b, 'c')
  expect((await resolve('a/b/c')).body.id).toBe(c)
  expect((await ask('GET', `/projects/${slug}/resolve?path=a/b/c&kind=datapoint`)).body.id).toBe(twin)
})

test('HD-09 HD-10 HD-17 a datapoint starts empty; its name exists once in its dataset', async () => {
  const slug = await project()
  const a = await dataset(`/projects/${slug}`, 'a')
  const b = await dataset(`/datasets/${a}`, 'b')
  const p = await point(a, 'p')
  expect((await ask('POST', `/datasets/${a}/datapoints`, { name: 'p' })).status).toBe(409)
  await point(b, 'p')
  expect((await ask('GET', `/datapoints/${p}/data`)).body).toEqual({})
  expect((await ask('GET', `/datapoints/${p}/files`)).body).toEqual({ files: [], nextCursor: null })
  expect(names((await ask('GET', `/datasets/${b}/datapoints?inherit=false`)).body.datapoints)).toEqual(['p'])
})

test('HD-11 HD-13 data flows down the tree: own first, the nearest ancestor next', async () => {
  const slug = await project()
  const d1 = await dataset(`/projects/${slug}`, 'D1')
  const d11 = await dataset(`/datasets/${d1}`, 'D1.1')
  const d12 = await dataset(`/datasets/${d1}`, 'D1.2')
  const d111 = await dataset(`/datasets/${d11}`, 'D1.1.1')
  const places: [string, string[]][] = [
    [d1, ['1', '2']],
    [d11, ['3', '4']],
    [d12, ['5']],
    [d111, ['6', '7']],
  ]
  for (const [id, own] of places) for (const name of own) await point(id, name)
  const listed = async (id: string, inherit: boolean) =>
    names(await all(`/datasets/${id}/datapoints?inherit=${inherit}`, 3))
  expect(await listed(d1, true)).toEqual(['1', '2'])
  expect(await listed(d11, true)).toEqual(['3', '4', '1', '2'])
  expect(await listed(d12, true)).toEqual(['5', '1', '2'])
  expect(await listed(d111, true)).toEqual(['6', '7', '3', '4', '1', '2'])
  expect(await listed(d111, false)).toEqual(['6', '7'])
  const { datapoints } = (await ask('GET', `/datasets/${d12}/datapoints?inherit=true`)).body
  expect(datapoints.map(({ from }) => from)).toEqual([`${slug}/D1/D1.2`, `${slug}/D1`, `${slug}/D1`])
})

test('HD-14 what one client has written the others read at once', async () => {
  const slug = await project()
  const id = await dataset(`/projects/${slug}`, 'a')
  const other = createClient({ url: running.hub.url, apiKey: running.hub.apiKey })
  for (let count = 1; count <= 20; count++) {
    const p = await point(id, `p${count}`, { count })
    expect((await other.tree.datapoint(p)).data).toEqual({ count })
    await ask('PATCH', `/datapoints/${p}/data`, { seen: true })
    expect(await other.tree.data('datapoint', p)).toEqual({ count, seen: true })
    expect((await other.tree.datapoints(id)).datapoints).toHaveLength(count)
  }
})

test('HD-18 data is merged key by key, and patches of different keys that come at once all survive', async () => {
  const slug = await project()
  const id = await dataset(`/projects/${slug}`, 'a')
  const p = await point(id, 'p')
  expect((await ask('PATCH', `/datapoints/${p}/data`, { a: { x: 1 }, b: 1 })).body).toEqual({ a: { x: 1 }, b: 1 })
  const merged = await ask('PATCH', `/datapoints/${p}/data`, { a: { y: 2 } })
  expect([merged.body, merged.headers.get('lucihub-data-version')]).toEqual([{ a: { y: 2 }, b: 1 }, '3'])
  for (const wrong of [[1], 'text', 7, null])
    expect((await ask('PATCH', `/datapoints/${p}/data`, wrong)).body).toMatchObject({
      status: 422,
      violations: [{ pointer: '', message: 'Data is a JSON object.', remedy: 'Send an object, such as {"gain": 2}.' }],
    })
  expect((await ask('PATCH', `/datapoints/${p}/data`, { text: 'a\u0000b' })).status).toBe(422)
  expect((await ask('PATCH', `/datapoints/${p}/data`, { text: 'x'.repeat(300_000) })).status).toBe(413)

  const keys = Array.from({ length: 50 }, (_, index) => `k${index}`)
  await Promise.all(keys.map((key, value) => ask('PATCH', `/datapoints/${p}/data`, { [key]: value })))
  const { body } = await ask('GET', `/datapoints/${p}/data`)
  expect(body).toEqual({ a: { y: 2 }, b: 1, ...Object.fromEntries(keys.map((key, value) => [key, value])) })
  expect((await ask('PATCH', `/datasets/${id}/data`, { unit: 'V' })).body).toEqual({ unit: 'V' })
  expect((await ask('PATCH', `/projects/${slug}/data`, { owner: 'me' })).body).toEqual({ owner: 'me' })
})

test('HD-19 effective data is that of everything above, the nearest wins', async () => {
  const slug = await project()
  await ask('PATCH', `/projects/${slug}/data`, { unit: 'V', lab: 1 })
  const a = await dataset(`/projects/${slug}`, 'a', { data: { unit: 'mV', gain: { x: 1 } } })
  const b = await dataset(`/datasets/${a}`, 'b', { data: { gain: { y: 2 } } })
  const p = await point(b, 'p', { own: true, lab: 2 })
  expect((await ask('GET', `/datapoints/${p}/data?effective=true`)).body).toEqual({
    unit: 'mV',
    gain: { y: 2 },
    lab: 2,
    own: true,
  })
  expect((await ask('GET', `/datasets/${b}/data?effective=true`)).body).toEqual({ unit: 'mV', gain: { y: 2 }, lab: 1 })
  expect((await ask('GET', `/datapoints/${p}/data`)).body).toEqual({ own: true, lab: 2 })
})

test('HD-20 a dataset may say what the data of its datapoints must be like', async () => {
  const slug = await project()
  const pointSchema = { type: 'object', properties: { gain: { type: 'number', maximum: 2 } }, required: ['gain'] }
  const a = await dataset(`/projects/${slug}`, 'a', { pointSchema })
  const create = (data: object) => ask('POST', `/datasets/${a}/datapoints`, { name: 'p', data })
  expect((await create({})).body.violations).toMatchObject([{ pointer: '/data/gain', message: 'It is required.' }])
  expect((await create({ gain: 3 })).body).toMatchObject({
    status: 422,
    violations: [{ pointer: '/data/gain', value: '3' }],
  })
  const p = (await create({ gain: 1 })).body.id
  expect((await ask('PATCH', `/datapoints/${p}/data`, { gain: 'much' })).status).toBe(422)
  expect((await ask('PATCH', `/datapoints/${p}/data`, { note: 'fine' })).body).toEqual({ gain: 1, note: 'fine' })
  expect((await ask('POST', `/projects/${slug}/datasets`, { name: 'b', pointSchema: { type: 'no' } })).status).toBe(422)
  expect((await ask('PUT', `/datasets/${a}/point-schema`, {})).body.pointSchema).toBeNull()
  expect((await ask('PATCH', `/datapoints/${p}/data`, { gain: 'much' })).status).toBe(200)
})

test('HD-26 names are letters, digits, dots, underscores and hyphens', async () => {
  const slug = await project()
  const a = await dataset(`/projects/${slug}`, 'v1.2')
  for (const name of ['p.0', 'p.1', '.hidden', '...', 'A_b-c', 'x'.repeat(128)]) await point(a, name)
  expect(names((await ask('GET', `/datasets/${a}/datapoints`)).body.datapoints)).toEqual([
    'p.0',
    'p.1',
    '.hidden',
    '...',
    'A_b-c',
    'x'.repeat(128),
  ])
  expect((await ask('GET', `/projects/${slug}/resolve?path=v1.2/p.1`)).body.path).toBe(`${slug}/v1.2/p.1`)
  for (const name of ['file*', 'd&tapoint', '', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(129), 'a\u0000']) {
    const tried = [
      await ask('POST', `/datasets/${a}/datapoints`, { name }),
      await ask('POST', `/datasets/${a}/datasets`, { name }),
      await ask('POST', '/projects', { slug: name }),
    ]
    expect({ name, statuses: tried.map(({ status }) => status) }).toEqual({ name, statuses: [422, 422, 422] })
  }
  expect((await ask('POST', `/datasets/${a}/datapoints`, { name: 'd&tapoint' })).body.violations).toMatchObject([
    { pointer: '/name', value: 'd&tapoint' },
  ])
})

test('HD-28 what is empty can be deleted, what is not stays', async () => {
  const slug = await project()
  const a = await dataset(`/projects/${slug}`, 'a')
  const b = await dataset(`/datasets/${a}`, 'b')
  const p = await point(b, 'p')
  const refused = await ask('DELETE', `/datasets/${b}`)
  expect([refused.status, refused.body.detail]).toEqual([
    409,
    'The dataset is not empty: delete its datasets, datapoints or sweeps first.',
  ])
  expect((await ask('DELETE', `/datasets/${a}`)).status).toBe(409)
  expect((await ask('DELETE', `/projects/${slug}`)).status).toBe(409)
  for (const path of [`/datapoints/${p}`, `/datasets/${b}`, `/datasets/${a}`, `/projects/${slug}`]) {
    expect({ path, status: (await ask('DELETE', path)).status }).toEqual({ path, status: 204 })
    expect({ path, status: (await ask('GET', path)).status }).toEqual({ path, status: 404 })
  }
})

describe('who may do what', () => {
  const password = 'a long password'
  async function somebody(username: string): Promise<Client> {
    await running.client.people.addUser({ username, password })
    const { accessToken } = await running.client.people.logIn({ username, password })
    return createClient({ url: running.hub.url, apiKey: accessToken })
  }

  test('strangers see nothing, viewers read, editors write, owners say who may', async () => {
    const [ada, bob] = [await somebody('ada'), await somebody('bob')]
    await ada.tree.createProject({ slug: 'adas' })
    const { id } = await ada.tree.createDataset({ project: 'adas' }, { name: 'a' })
    const p = await ada.tree.createDatapoint(id, { name: 'p' })
    const tries = {
      read: () => bob.tree.datapoint(p.id),
      write: () => bob.tree.patchData('datapoint', p.id, { by: 'bob' }),
      create: () => bob.tree.createDatapoint(id, { name: `by-bob-${(made += 1)}` }),
      file: () => bob.files.put({ kind: 'datapoint', id: p.id }, 'f', new Uint8Array([1])),
      invite: () => bob.tree.setMember('adas', { user: 'bob', role: 'owner' }),
      delete: () => bob.tree.deleteProject('adas'),
    }
    const outcomes = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(tries).map(async ([name, attempt]) => [
            name,
            await attempt().then(
              () => 200,
              (problem: { status: number }) => problem.status,
            ),
          ]),
        ),
      )
    expect(await outcomes()).toEqual({ read: 404, write: 404, create: 404, file: 404, invite: 404, delete: 404 })
    expect((await bob.tree.projects()).projects).toEqual([])
    await ada.tree.setMember('adas', { user: 'bob', role: 'viewer' })
    expect(await outcomes()).toEqual({ read: 200, write: 403, create: 403, file: 403, invite: 403, delete: 403 })
    expect((await bob.tree.projects()).projects).toMatchObject([{ slug: 'adas', role: 'viewer' }])
    await ada.tree.setMember('adas', { user: 'bob', role: 'editor' })
    expect(await outcomes()).toEqual({ read: 200, write: 200, create: 200, file: 200, invite: 403, delete: 403 })
    expect((await running.client.tree.datapoint(p.id)).data).toEqual({ by: 'bob' }) // The administrator reads everything.
    await expect(ada.tree.removeMember('adas', 'ada')).rejects.toMatchObject({
      status: 409,
      message: 'A project needs an owner: make somebody else one first.',
    })
    expect((await ada.tree.removeMember('adas', 'bob')).members.map(({ username }) => username)).toEqual(['ada'])
    expect(await outcomes()).toMatchObject({ read: 404, write: 404 })
  })

  test('a run lies in the tree: in its owner’s own project, or where it was asked to, and writes what is its own', async () => {
    const cleo = await somebody('cleo')
    const submission = { kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000 } as const
    const { run } = await cleo.submitRun(submission)
    const { datapoint } = await cleo.tree.resolve(run.path)
    expect([run.path, datapoint?.runId]).toEqual([expect.stringMatching(/^cleo\/runs\/run-\d+$/), run.id])

    await cleo.tree.createProject({ slug: 'cleos' })
    const { id } = await cleo.tree.createDataset({ project: 'cleos' }, { name: 'sweep' })
    const placed = await cleo.submitRun({ ...submission, project: 'cleos', dataset: 'sweep', name: 'first' })
    expect(placed.run.path).toBe('cleos/sweep/first')
    const [point_] = (await cleo.tree.datapoints(id)).datapoints
    expect(point_).toMatchObject({ name: 'first', runId: placed.run.id })
    const again = { ...submission, project: 'cleos', dataset: 'sweep', name: 'first' }
    await expect(cleo.submitRun(again)).rejects.toMatchObject({ status: 409 })
    const elsewhere = { ...submission, project: 'cleos', dataset: 'nowhere' }
    await expect(cleo.submitRun(elsewhere)).rejects.toMatchObject({
      status: 422,
      violations: [{ pointer: '/dataset', value: 'nowhere' }],
    })

    const pointId = point_?.id ?? ''
    for (const key of ['params', 'result'])
      await expect(cleo.tree.patchData('datapoint', pointId, { [key]: {} })).rejects.toMatchObject({ status: 409 })
    expect(await cleo.tree.patchData('datapoint', pointId, { note: 'mine' })).toMatchObject({ note: 'mine' })
    await expect(cleo.tree.deleteDatapoint(pointId)).rejects.toMatchObject({ status: 409 })
    await expect(cleo.tree.deleteProject('cleos')).rejects.toMatchObject({ status: 409 })
  })
})

test('the command line makes, shows and fills the tree', async () => {
  const told = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await lucihub(running, args)
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }
  await told('projects', 'create', 'cli', '--title', 'By hand')
  await told('datasets', 'create', 'cli/a')
  await told('datasets', 'create', 'cli/a/b', '--data', '{"unit": "V"}')
  await told('datapoints', 'create', 'cli/a/p1', '--data', '{"gain": 2}')
  await told('datapoints', 'create', 'cli/a/b/p2')
  await told('datapoints', 'set', 'cli/a/b/p2', '{"note": "fine"}')
  expect(await told('projects', 'list')).toMatch(/^cli +owner +\S+ +By hand$/m)
  expect(await told('projects', 'tree', 'cli')).toBe('cli\n  a  1\n    b  1\n')
  expect(await told('datasets', 'list', 'cli')).toMatch(/^cli\/a /m)
  expect(await told('datapoints', 'list', 'cli/a/b')).toMatch(/cli\/a\/b\/p2[^]*cli\/a\/p1/)
  expect(await told('datapoints', 'list', 'cli/a/b', '--own')).not.toContain('p1')
  expect(JSON.parse(await told('datapoints', 'show', 'cli/a/b/p2', '--effective', '--json'))).toMatchObject({
    path: 'cli/a/b/p2',
    data: { note: 'fine', unit: 'V' },
  })
  const { code, stderr } = await lucihub(running, ['datasets', 'show', 'cli/x/b'])
  expect([code, stderr]).toEqual([3, expect.stringContaining('There is no "x" in project "cli".')])
})
