/**
 * `npm run corpus`: compiles, simulates and checks every program in examples/ and writes docs/corpus.md. The exit
 * code is 1 when one of them does not compute its equations.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from './build.mjs'
import { root } from './session.mjs'

/** @param {import('./session.mjs').Session} session */
export async function corpus({ step }) {
  const { page, right, wrong } = await step('corpus', async (say) => {
    const file = join(root, 'dist/corpus.mjs')
    await bundle({ main: join(root, 'tools/corpus/page.ts'), file })
    const { measureCorpus } = await import(pathToFileURL(file).href)
    let current = ''
    try {
      const measured = measureCorpus(join(root, 'examples'), { progress: (name) => (current = name) })
      say(`${measured.right} programs are right, ${measured.wrong.length} are not`)
      return measured
    } catch (error) {
      throw new Error(`examples/${current}.ana: ${error.message}`, { cause: error })
    }
  })
  writeFileSync(join(root, 'docs/corpus.md'), page)
  console.log(`\ndocs/corpus.md: ${right} of ${right + wrong.length} programs compute their equations.`)
  for (const name of wrong) console.log(`  not right: ${name}`)
  return wrong.length === 0 ? 0 : 1
}
