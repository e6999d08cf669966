/**
 * Who had a folder of journals before us. Its lock is the kernel's and given back only by death (or an orderly end), so
 * whoever holds it knows that every boot noted here is gone, and their leases need not run out before the devices are
 * driven again. A boot that is missing here (a lost disk, another folder) is waited for as ever.
 */
import { readFile, writeFile } from 'node:fs/promises'

/** Beside the folder, which holds journals only. */
export const bootLogOf = (folder: string): string => `${folder}.boots`

/** Boots remembered: a process that dies at every start must not make the file grow. */
const BOOTS_MAX = 16
const BOOT_ID = /^[0-9a-f-]{36}$/

/** Notes this boot and returns those before it. The caller holds the folder's lock; where no kernel gives one, nothing is known. */
export async function noteBoot(folder: string, bootId: string): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const path = bootLogOf(folder)
  const text = await readFile(path, 'utf8').catch(() => '') // There is none before the first boot.
  const before = text.split('\n').filter((line) => BOOT_ID.test(line) && line !== bootId)
  const kept = before.slice(-BOOTS_MAX)
  await writeFile(path, [...kept, bootId, ''].join('\n'))
  return kept
}
