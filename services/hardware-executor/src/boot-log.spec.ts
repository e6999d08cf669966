import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootLogOf, noteBoot } from './boot-log.ts'

let parent: string
let folder: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'lucihub-boots-'))
  folder = join(parent, 'bench-1')
})
afterEach(() => rm(parent, { recursive: true, force: true }))

test('every boot hears of those before it, oldest first, and never of itself', async () => {
  const [a, b, c] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()]
  expect(await noteBoot(folder, a)).toEqual([])
  expect(await noteBoot(folder, b)).toEqual([a])
  expect(await noteBoot(folder, b)).toEqual([a])
  expect(await noteBoot(folder, c)).toEqual([a, b])
})

test('of many boots the latest sixteen are remembered', async () => {
  const boots = Array.from({ length: 20 }, () => crypto.randomUUID())
  for (const boot of boots) await noteBoot(folder, boot)
  expect(await noteBoot(folder, crypto.randomUUID())).toEqual(boots.slice(-16))
})

test('a torn file names nobody who was not there', async () => {
  const boot = crypto.randomUUID()
  await writeFile(bootLogOf(folder), `${boot}\n${boot.slice(0, 20)}`)
  expect(await noteBoot(folder, crypto.randomUUID())).toEqual([boot])
})
