import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { journalBatchOf } from '@lucihub/contracts'
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
  return journalBatchOf({
    runId: 'R',
    attempt: 2,
    epoch: 7,
    seq,
    atMs: 0,
    log: { lines: [`${seq} ${'x'.repeat(bytes)}`] },
  })
}

const end = (seq: number): Uint8Array =>
  journalBatchOf({
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

/** Twelve records of 4 KiB in segments of 16 KiB; four of them fit into memory. */
async function longJournal({ started = false } = {}): Promise<JournalFile> {
  const file = JournalFile.create(folder, ADDRESS, budget, { segmentBytes: 16_384, memoryBytes: 18_000 })
  if (started) await file.startIntent()
  for (let seq = 0; seq < 12; seq++) {
    file.append(seq, record(seq, 4096))
    await file.sync()
  }
  return file
}

test('whole segments go when all in them is stored, and the quota is given back', async () => {
  const file = await longJournal()
  const names = segments()
  expect(names).toEqual(['000000000000.journal', '000000000004.journal', '000000000008.journal'])
  const full = budget.usedBytes
  await file.prune(3)
  expect(segments()).toEqual(names)
  await file.prune(4)
  expect(segments()).toEqual(names.slice(1))
  expect(full - budget.usedBytes).toBeGreaterThan(4 * 4096)
  expect(await file.read(0)).toBeNull()
  expect(await file.read(4)).toEqual(Buffer.from(record(4, 4096)))
  // What is left tells by itself whose it is and where it begins.
  expect(await recovered()).toMatchObject({ address: ADDRESS, seqs: [4, 5, 6, 7, 8, 9, 10, 11] })
})

test('the later segments of a started run know that it was started', async () => {
  const file = await longJournal({ started: true })
  await file.prune(11)
  expect(await recovered()).toMatchObject({ seqs: [8, 9, 10, 11], started: true })
})

test('records that lag behind leave the memory and are read from the disk', async () => {
  const file = await longJournal()
  expect(await file.read(0)).toEqual(Buffer.from(record(0, 4096)))
  truncateSync(onlySegment(), 100)
  expect(await file.read(0)).toBeNull()
  expect(await file.read(11)).toEqual(record(11, 4096))
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
