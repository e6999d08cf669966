/**
 * A full disk for one process, without privileges: the kernel's limit on the size of files (`prlimit`) makes its
 * writes fail, and lifting it is the space that was freed. Its log is cut first, so that it can go on complaining.
 */
import { execFile } from 'node:child_process'
import { truncateSync } from 'node:fs'
import { promisify } from 'node:util'

/** Room for the log, and too little for a journal with samples. */
const LIMIT_BYTES = 262_144

/** Returns the function that lifts the limit. */
export async function limitFiles(pid: number, logFile: string): Promise<() => Promise<void>> {
  truncateSync(logFile)
  await set(pid, `${LIMIT_BYTES}:`)
  return () => set(pid, 'unlimited:')
}

async function set(pid: number, limit: string): Promise<void> {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${limit}`]).catch(() => undefined) // It ended.
}
