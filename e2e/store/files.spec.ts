/** Files over HTTP: versions that never change, bytes by their hash, ranges, names that cannot escape. */
import { jest } from '@jest/globals'
import { createHash, randomBytes, randomFillSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { lucihub } from '../command-line.ts'
import { HARMONIC, runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(60_000)
let running: RunningHub
let datasetId: string
let at: string

beforeAll(async () => {
  running = await runningHub()
  await running.client.tree.createProject({ slug: 'files' })
  datasetId = (await running.client.tree.createDataset({ project: 'files' }, { name: 'a' })).id
  const point = await running.client.tree.createDatapoint(datasetId, { name: 'p' })
  at = `/datapoints/${point.id}/files`
})
afterAll(() => running?.stop())

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function ask(method: string, path: string, options: { body?: Uint8Array; headers?: Record<string, string> } = {}) {
  return fetch(`${running.hub.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${running.hub.apiKey}`, ...options.headers },
    ...(options.body && { body: options.body as Uint8Array<ArrayBuffer> }),
  })
}
const put = async (path: string, body: Uint8Array, type = 'application/octet-stream') => {
  const response = await ask('PUT', path, { body, headers: { 'content-type': type } })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Stored }
}
const bytesOf = async (path: string): Promise<Buffer> => Buffer.from(await (await ask('GET', path)).arrayBuffer())

interface Stored {
  readonly name: string
  readonly version: number
  readonly sha256: string
  readonly detail: string
}

/** A request whose path is sent as it stands; fetch would tidy it up. */
function askRaw(method: string, path: string): Promise<number> {
  const { hostname, port } = new URL(running.hub.url)
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${running.hub.apiKey}`, 'content-length': '0' }
    request({ hostname, port, method, path: `/api/v1${path}`, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

test('HD-21 HD-24 a file is put, listed, read and asked for', async () => {
  const content = randomBytes(1000)
  const stored = await put(`${at}/photo.jpg`, content, 'image/jpeg')
  expect(stored).toMatchObject({ status: 201, body: { name: 'photo.jpg', version: 1, sha256: sha256(content) } })
  expect(stored.headers.get('location')).toBe(`/api/v1${at}/photo.jpg?version=1`)
  const response = await ask('GET', `${at}/photo.jpg`)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    etag: `"${sha256(content)}"`,
    'content-type': 'image/jpeg',
    'content-length': '1000',
    'content-disposition': 'attachment; filename="photo.jpg"',
    'accept-ranges': 'bytes',
    'lucihub-file-version': '1',
  })
  expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true)
  const head = await ask('HEAD', `${at}/photo.jpg`)
  expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
    200,
    '1000',
    `"${sha256(content)}"`,
  ])
  expect((await ask('HEAD', `${at}/nothing.jpg`)).status).toBe(404)
  expect((await ask('GET', `${at}/nothing.jpg`)).status).toBe(404)
  expect((await ask('GET', `${at}/photo.jpg`, { headers: { 'if-none-match': `"${sha256(content)}"` } })).status).toBe(
    304,
  )
  const list = (await (await ask('GET', at)).json()) as { files: Stored[] }
  expect(list.files.map(({ name }) => name)).toEqual(['photo.jpg'])
})

test('HD-22 the second content is a new version; the first stays, and the name is listed once', async () => {
  const [first, second] = [Buffer.from('first'), Buffer.from('second')]
  await put(`${at}/twice`, first)
  expect(await put(`${at}/twice`, second)).toMatchObject({ status: 201, body: { version: 2 } })
  expect(await put(`${at}/twice`, second)).toMatchObject({ status: 200, body: { version: 2 } })
  expect((await bytesOf(`${at}/twice`)).toString()).toBe('second')
  expect((await bytesOf(`${at}/twice?version=1`)).toString()).toBe('first')
  expect((await ask('GET', `${at}/twice?version=3`)).status).toBe(404)
  const list = (await (await ask('GET', at)).json()) as { files: Stored[] }
  expect(list.files.filter(({ name }) => name === 'twice')).toMatchObject([{ version: 2 }])
  const versions = (await (await ask('GET', `${at}/twice/versions`)).json()) as { files: Stored[] }
  expect(versions.files.map(({ version }) => version)).toEqual([2, 1])
})

test('HD-23 nothing changes bytes that are there', async () => {
  await put(`${at}/fixed`, Buffer.from('fixed'))
  for (const method of ['PATCH', 'POST', 'DELETE']) {
    const response = await ask(method, `${at}/fixed`)
    expect({ method, status: response.status, allow: response.headers.get('allow') }).toEqual({
      method,
      status: 405,
      allow: 'PUT, GET, HEAD',
    })
  }
  expect((await bytesOf(`${at}/fixed`)).toString()).toBe('fixed')
})

test('HD-24 a range of bytes, across the parts in which they are kept', async () => {
  const content = randomBytes(1_500_000)
  await put(`${at}/ranged`, content)
  const range = async (wanted: string, more: Record<string, string> = {}) => {
    const response = await ask('GET', `${at}/ranged`, { headers: { range: wanted, ...more } })
    return { response, bytes: Buffer.from(await response.arrayBuffer()) }
  }
  const cases: [string, number, number][] = [
    ['bytes=0-9', 0, 10],
    ['bytes=524280-524295', 524_280, 524_296],
    ['bytes=1048575-', 1_048_575, 1_500_000],
    ['bytes=-7', 1_499_993, 1_500_000],
  ]
  for (const [wanted, from, to] of cases) {
    const { response, bytes } = await range(wanted)
    expect([response.status, response.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/1500000`])
    expect(bytes.equals(content.subarray(from, to))).toBe(true)
  }
  const beyond = await range('bytes=1500000-')
  expect([beyond.response.status, beyond.response.headers.get('content-range')]).toEqual([416, 'bytes */1500000'])
  expect((await range('bytes=0-9', { 'if-range': '"another"' })).response.status).toBe(200)
  expect((await range('bytes=0-9', { 'if-range': `"${sha256(content)}"` })).response.status).toBe(206)
})

test('HD-25 no byte and 100 MB come back as they went, of any type', async () => {
  const empty = await put(`${at}/empty`, new Uint8Array(0))
  expect(empty).toMatchObject({ status: 201, body: { sha256: sha256(new Uint8Array(0)) } })
  expect(await bytesOf(`${at}/empty`)).toHaveLength(0)
  for (const type of [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'text/html; charset=utf-8',
  ]) {
    const bytes = Buffer.from([0, 255, 123, 10, 13, 0])
    expect((await put(`${at}/typed`, bytes, type)).status).toBe(201)
    const response = await ask('GET', `${at}/typed`)
    expect(response.headers.get('content-type')).toBe(type)
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
  }

  const large = randomFillSync(Buffer.allocUnsafe(100_000_000))
  const processes = ['api-gateway', 'run-store'].map((name) => running.hub.processes[name]?.pid ?? 0)
  const before = processes.map(peakMegabytes)
  const stored = await put(`${at}/large`, large)
  expect(stored).toMatchObject({ status: 201, body: { sha256: sha256(large) } })
  const hash = createHash('sha256')
  for await (const chunk of (await ask('GET', `${at}/large`)).body ?? []) hash.update(chunk)
  expect(hash.digest('hex')).toBe(sha256(large))
  // Neither process ever held the file: what they used at most grew by less than its size.
  const growth = processes.map((pid, index) => peakMegabytes(pid) - (before[index] ?? 0))
  for (const megabytes of growth) expect(megabytes).toBeLessThan(80)
})

/** The largest resident memory of a process so far. */
function peakMegabytes(pid: number): number {
  const [, kilobytes = ''] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  expect(kilobytes).not.toBe('')
  return Number(kilobytes) / 1000
}

test('HD-26 the name of a file is as all names; it is never a path', async () => {
  for (const name of ['file*', 'invalid(filename).txt', 'a b', 'x'.repeat(129)])
    expect({ name, status: (await put(`${at}/${name}`, Buffer.from('x'))).status }).toEqual({ name, status: 422 })
  for (const name of ['v1.2.tar.gz', '.hidden', 'x'.repeat(128)])
    expect({ name, status: (await put(`${at}/${name}`, Buffer.from('x'))).status }).toEqual({ name, status: 201 })
})

test('HD-27 no name leads out of its place', async () => {
  const names = ['..%2Fdata.json', '..%2f..%2fetc%2fpasswd', '%2Fetc%2Fpasswd', '..%5Cdata.json', '..', '%00', '%2e%2e']
  for (const name of names) {
    expect({ name, status: [400, 404].includes(await askRaw('GET', `${at}/${name}`)) }).toEqual({ name, status: true })
    expect([400, 404, 405, 422]).toContain(await askRaw('PUT', `${at}/${name}`))
  }
})

test('the same content is kept once, however many put it at once, and every version has its own number', async () => {
  const content = randomBytes(700_000)
  const put_ = Array.from({ length: 12 }, (_, index) => put(`${at}/same-${index % 3}`, content))
  const statuses = (await Promise.all(put_)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 201)).toHaveLength(3)
  const different = await Promise.all(Array.from({ length: 8 }, () => put(`${at}/raced`, randomBytes(100))))
  expect(different.map(({ body }) => body.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])

  const client = new pg.Client({ connectionString: running.hub.servers.postgres.url })
  await client.connect()
  const { rows } = await client.query(
    `SELECT count(*)::int AS blobs FROM blob WHERE sha256 = decode('${sha256(content)}', 'hex')`,
  )
  const left = await client.query('SELECT count(*)::int AS unfinished FROM blob WHERE sha256 IS NULL')
  await client.end()
  expect([rows, left.rows]).toEqual([[{ blobs: 1 }], [{ unfinished: 0 }]])
})

test('datasets and runs have files too, and an upload that breaks off leaves none', async () => {
  const run = await running.complete({ kind: 'simulate', source: HARMONIC, opTimeNs: 1_000_000 })
  for (const owner of [`/runs/${run.id}`, `/datasets/${datasetId}`]) {
    expect((await put(`${owner}/files/note`, Buffer.from('for it'))).status).toBe(201)
    expect((await bytesOf(`${owner}/files/note`)).toString()).toBe('for it')
  }
  const nobody = '00000000-0000-7000-8000-000000000000'
  expect(await put(`/datapoints/${nobody}/files/note`, randomBytes(2_000_000))).toMatchObject({
    status: 404,
    body: { detail: `There is no datapoint ${nobody}.` },
  })
  const { hostname, port } = new URL(running.hub.url)
  await new Promise<void>((resolve) => {
    const headers = { authorization: `Bearer ${running.hub.apiKey}`, 'content-length': '1000000' }
    const broken = request({ hostname, port, method: 'PUT', path: `/api/v1${at}/broken`, headers })
    broken.on('error', () => resolve())
    broken.write(randomBytes(600_000), () => broken.destroy())
  })
  expect((await ask('HEAD', `${at}/broken`)).status).toBe(404)
})

test('the command line puts and gets files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lucihub-files-'))
  try {
    const content = randomBytes(600_000)
    writeFileSync(join(folder, 'scope.csv'), content)
    const told = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await lucihub(running, ['files', ...args])
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
      return stdout
    }
    expect(await told('put', 'files/a/p', join(folder, 'scope.csv'), '--type', 'text/csv')).toMatch(
      /scope\.csv, version 1/,
    )
    expect(await told('list', 'files/a/p')).toMatch(/^scope\.csv +1 +600.000 +text\/csv/m)
    await told('get', 'files/a/p', 'scope.csv', '--out', join(folder, 'back.csv'))
    expect(readFileSync(join(folder, 'back.csv')).equals(content)).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
