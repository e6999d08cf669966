import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JournalRecord } from '@lucihub/contracts'
import { until } from '@lucihub/testing'
import { JournalBudget } from './journal-budget.ts'
import { JournalFile, type RecoveredJournal } from './journal-file.ts'

const ADDRESS = { host: 'bench-1', deviceId: 'D', runId: 'R', attempt: 2, epoch: 7 }
let base: string
let folder: string
let budget: JournalBudget

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'lucihub-journal-'))
  folder = join(base, 'R-2')
  budget = new JournalBudget(1024 ** 3)
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

function record(seq: number, bytes = 10): Uint8Array {
  return JournalRecord.encode({
    runId: 'R',
    attempt: 2,
    epoch: 7,
    seq,
    atMs: 0,
    log: { lines: [`${seq} ${'x'.repeat(bytes)}`] },
  })
}

const end = (seq: number): Uint8Array =>
  JournalRecord.encode({
    runId: 'R',
    attempt: 2,
    epoch: 7,
    seq,
    atMs: 0,
    end: { outcome: 'ok', reason: '', started: true, channels: [], overloads: [], finalValues: [] },
  })

async function written(...seqs: readonly number[]): Promise<JournalFile> {
  const file = JournalFile.create(folder, ADDRESS, budget)
  for (const seq of seqs) file.append(seq, record(seq))
  await file.sync()
  return file
}

async function recovered(): Promise<RecoveredJournal> {
  const journal = await JournalFile.recover(folder, budget)
  if (!journal) throw new Error('nothing was recovered')
  return journal
}

function segments(): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

function onlySegment(): string {
  const [name = ''] = segments()
  return join(folder, name)
}

test('what was synced is found again, by whom it was and whether it had started and ended', async () => {
  const file = JournalFile.create(folder, ADDRESS, budget)
  file.append(0, record(0))
  await file.startIntent()
  file.append(1, end(1))
  await file.sync()
  const { address, seqs, started, ended, file: again } = await recovered()
  expect({ address, seqs, started, ended }).toEqual({ address: ADDRESS, seqs: [0, 1], started: true, ended: true })
  expect(await again.read(0)).toEqual(Buffer.from(record(0)))
  expect(await again.read(1)).toEqual(Buffer.from(end(1)))
  expect(await again.read(2)).toBeNull()
})

test('a start that was not intended is told apart', async () => {
  await written(0)
  expect(await recovered()).toMatchObject({ seqs: [0], started: false, ended: false })
})

test('cut at every byte, a journal holds the records before the cut, and goes on behind them', async () => {
  await written(0, 1, 2)
  const whole = readFileSync(onlySegment())
  const name = onlySegment()
  let before = 0
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(name, whole.subarray(0, length))
    const journal = await JournalFile.recover(folder, budget)
    const seqs = journal?.seqs ?? []
    expect(seqs).toEqual([0, 1, 2].slice(0, seqs.length))
    expect(seqs.length).toBeGreaterThanOrEqual(before)
    before = seqs.length
    // Every eighth also goes on: a sync each is what takes the time.
    if (length % 8 > 0) await journal?.file.close()
    if (!journal || length % 8 > 0) continue
    journal.file.append(seqs.length, end(seqs.length))
    await journal.file.sync()
    await journal.file.close()
    const mended = await recovered()
    expect(mended).toMatchObject({ seqs: [...seqs, seqs.length], ended: true })
    await mended.file.close()
  }
  expect(before).toBe(3)
})

test('a bit that flipped takes what lies behind it, never what lies before', async () => {
  await written(0, 1, 2)
  const name = onlySegment()
  const whole = readFileSync(name)
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole)
    flipped[at] = (flipped[at] ?? 0) ^ 4
    writeFileSync(name, flipped)
    const journal = await JournalFile.recover(folder, budget)
    for (const seq of journal?.seqs ?? []) expect(await journal?.file.read(seq)).toEqual(Buffer.from(record(seq)))
    expect(journal?.seqs ?? []).toEqual([0, 1, 2].slice(0, journal?.seqs.length ?? 0))
    await journal?.file.close()
  }
})

test('whole segments go when all in them is stored, and the quota is given back', async () => {
  const file = JournalFile.create(folder, ADDRESS, budget)
  const size = 1024 * 1024
  for (let seq = 0; seq < 40; seq++) {
    file.append(seq, record(seq, size))
  }
  await file.sync()
  const names = segments()
  expect(names.length).toBeGreaterThan(2)
  const full = budget.usedBytes
  const second = Number(names[1]?.slice(0, 12))
  await file.prune(second - 1)
  expect(segments()).toEqual(names)
  await file.prune(second)
  expect(segments()).toEqual(names.slice(1))
  expect(full - budget.usedBytes).toBeGreaterThan(second * size)
  expect(await file.read(0)).toBeNull()
  expect(await file.read(second)).toEqual(Buffer.from(record(second, size)))
  // What is left tells by itself whose it is and where it begins.
  expect((await recovered()).seqs).toEqual(Array.from({ length: 40 - second }, (_, at) => second + at))
})

test('the later segments of a started run know that it was started', async () => {
  const file = JournalFile.create(folder, ADDRESS, budget)
  await file.startIntent()
  for (let seq = 0; seq < 20; seq++) {
    file.append(seq, record(seq, 1024 * 1024))
  }
  await file.sync()
  await file.prune(19)
  expect(await recovered()).toMatchObject({ started: true })
})

test('records that lag behind leave the memory and are read from the disk', async () => {
  const file = JournalFile.create(folder, ADDRESS, budget)
  for (let seq = 0; seq < 40; seq++) {
    file.append(seq, record(seq, 1024 * 1024))
  }
  await file.sync()
  truncateSync(onlySegment(), 100)
  // Of the first segment nothing is left, and the first records are not in memory any more.
  expect(await file.read(0)).toBeNull()
  expect(await file.read(39)).toEqual(record(39, 1024 * 1024))
})

test('what is removed leaves nothing behind, not even what comes afterwards', async () => {
  const file = await written(0, 1)
  await file.remove()
  file.append(2, record(2))
  await file.sync()
  expect([existsSync(folder), budget.usedBytes]).toEqual([false, 0])
})

test('a disk that takes nothing is a failure, and the records stay readable', async () => {
  writeFileSync(folder, 'a file where the directory should be')
  const file = JournalFile.create(folder, ADDRESS, budget)
  file.append(0, record(0))
  await expect(file.startIntent()).rejects.toThrow(/^The journal cannot be written: Error: E/)
  await until(() => file.failure !== null, { what: 'the failure is known' })
  expect(await file.read(0)).toEqual(record(0))
  expect(await file.room(new AbortController().signal)).toBe(true)
})
