/**
 * `npm run bench`: a durable hub, and in turn every `bench/<name>.bench.ts`, or the named ones. Each exports
 * `measure(hub)`, which returns a table. They are bundled first, as the services they measure are.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from './build.mjs'
import { startHub } from './hub.mjs'
import { bundles, servers } from './steps.mjs'
import { root } from './session.mjs'

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} names
 */
export async function bench(session, names) {
  const all = readdirSync(join(root, 'bench')).flatMap((file) => /^(.+)\.bench\.ts$/.exec(file)?.[1] ?? [])
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0)
    throw new Error(`There is no bench named ${unknown.join(', ')}. There are: ${all.join(', ')}.`)
  await bundles(session)
  const binaries = await servers(session, { postgres: 'own', nats: 'own', redis: 'own' })
  const hub = await session.step('hub', async () => {
    const started = await startHub({ dir: session.privateFolder(), binaries })
    session.defer(() => started.stop())
    return started
  })
  const { renderSection } = await load('report')
  for (const name of names.length > 0 ? names : all) {
    const { measure } = await load(`${name}.bench`)
    const section = await session.step(name, () => measure(hub))
    console.log(`\n${renderSection(section)}\n`)
  }
  return 0
}

/** Bundled into dist/, where a bench that starts a bundle finds it beside itself. */
async function load(name) {
  const file = join(root, 'dist', `bench-${name}.mjs`)
  await bundle({ main: join(root, 'bench', `${name}.ts`), file })
  return import(pathToFileURL(file).href)
}
