import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BOOT_LOG, noteBoot } from './boot-log.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lucihub-boots-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

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
  await writeFile(join(folder, BOOT_LOG), `${boot}\n${boot.slice(0, 20)}`)
  expect(await noteBoot(folder, crypto.randomUUID())).toEqual([boot])
})
