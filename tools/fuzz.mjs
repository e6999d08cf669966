/**
 * `npm run fuzz [-- --programs 100000 --seed 1]`: programs made at random through the compiler. The exit code is 1 when
 * one of them makes it throw, breaks a device's rules, is refused without a reason, or takes more than a second.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pathToFileURL } from 'node:url'
import { bundle } from './build.mjs'
import { root } from './session.mjs'

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} args
 */
export async function fuzz({ step }, args) {
  const { values } = parseArgs({
    args: [...args],
    options: { programs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  })
  const [programs, seed] = [Number(values.programs), Number(values.seed)]
  const file = join(root, 'dist/fuzz.mjs')
  await bundle({ main: join(root, 'tools/fuzz/programs.ts'), file })
  const { fuzzPrograms, harvestText, LIMIT_CPU_MS } = await import(pathToFileURL(file).href)
  const harvest = await step('programs', async (say) => {
    const made = fuzzPrograms({ programs, seed, progress })
    say(`${programs} from seed ${seed}`)
    return made
  })
  console.log(`\n${harvestText(harvest)}.`)
  if (harvest.slowest.cpuMs <= LIMIT_CPU_MS) return 0
  console.log(`That is more than ${LIMIT_CPU_MS} ms:\n${harvest.slowest.source}`)
  return 1

  function progress(done) {
    if (process.stderr.isTTY && done % 1000 === 0) process.stderr.write(`\r${done} of ${programs}`)
  }
}
