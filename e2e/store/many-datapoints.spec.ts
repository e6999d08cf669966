/** Thousands of datapoints, made by many clients at once. */
import { jest } from '@jest/globals'
import type { ListedDatapoint } from '@lucihub/sdk'
import { runningHub, type RunningHub } from '../running-hub.ts'

jest.setTimeout(180_000)
const CLIENTS = 32
let running: RunningHub

beforeAll(async () => {
  const environment = { 'api-gateway': { REQUESTS_PER_SECOND: '100000', REQUEST_BURST: '100000' } }
  running = await runningHub({ environment })
})
afterAll(() => running?.stop())

/** Every page of the list. */
async function listed(datasetId: string, options: { inherit: boolean; limit: number }): Promise<ListedDatapoint[]> {
  const found: ListedDatapoint[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await running.client.tree.datapoints(datasetId, { ...options, ...(cursor && { cursor }) })
    found.push(...page.datapoints)
    cursor = page.nextCursor
  }
  return found
}

async function dataset(slug: string): Promise<string> {
  await running.client.tree.createProject({ slug })
  return (await running.client.tree.createDataset({ project: slug }, { name: 'grid' })).id
}

test('HD-12 nothing hides what has the same name further up: 100 own and 8092 inherited are 8192', async () => {
  const { tree } = running.client
  const parent = await dataset('inherited')
  const child = (await tree.createDataset({ dataset: parent }, { name: 'refined' })).id
  const fill = async (id: string, count: number): Promise<void> => {
    let next = 0
    const worker = async (): Promise<void> => {
      for (let name = next++; name < count; name = next++) await tree.createDatapoint(id, { name: String(name) })
    }
    await Promise.all(Array.from({ length: CLIENTS }, worker))
  }
  await fill(parent, 8092)
  await fill(child, 100)
  const points = await listed(child, { inherit: true, limit: 200 })
  expect(points).toHaveLength(8192)
  expect(new Set(points.map(({ path }) => path)).size).toBe(8192)
  expect(points.slice(0, 100).every(({ from }) => from === 'inherited/grid/refined')).toBe(true)
})

test('HD-29 HD-31 32 clients write 100 datapoints each into one dataset: none is lost, a raced name is made once', async () => {
  const { tree } = running.client
  const id = await dataset('raced')
  const clients = Array.from({ length: CLIENTS }, (_, index) => index)
  const raced = await Promise.all(
    clients.map(async (client) => {
      for (let count = 0; count < 100; count++) await tree.createDatapoint(id, { name: `c${client}-${count}` })
      return tree.createDatapoint(id, { name: 'the-one' }).then(
        () => 201,
        (problem: { status: number }) => problem.status,
      )
    }),
  )
  expect(raced.filter((status) => status === 201)).toHaveLength(1)
  expect(raced.filter((status) => status === 409)).toHaveLength(CLIENTS - 1)
  const names = async (limit: number) => (await listed(id, { inherit: false, limit })).map(({ name }) => name)
  const all = await names(150)
  expect(all).toHaveLength(3201)
  expect(new Set(all).size).toBe(3201)
  // Stable: the order of making, which each client knows of its own.
  for (const client of clients)
    expect(all.filter((name) => name.startsWith(`c${client}-`))).toEqual(
      Array.from({ length: 100 }, (_, count) => `c${client}-${count}`),
    )
  expect(await names(77)).toEqual(all)
})
