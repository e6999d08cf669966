/**
 * `npm run bench`: runs the measurements in bench/, all or the named ones: every `<name>.bench.ts`, and `main.ts`.
 * They are bundled first, as the services they measure are.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './build.mjs'
import { bundles, servers } from './steps.mjs'
import { root } from './session.mjs'

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} args Names of benches; what begins with a dash goes to each of them.
 */
export async function bench(session, args) {
  await bundles(session)
  const binaries = await servers(session, { postgres: 'own', nats: 'own', redis: 'own' })
  const dir = session.privateFolder()
  const env = { ...process.env, LUCIHUB_TEST_BINARIES: JSON.stringify(binaries), LUCIHUB_TEST_DIR: dir }
  const files = readdirSync(join(root, 'bench')).filter((file) => /(\.bench|^main)\.ts$/.test(file))
  const all = files.map((file) => ({ name: file.replace(/(\.bench)?\.ts$/, ''), main: join(root, 'bench', file) }))
  const named = args.filter((arg) => !arg.startsWith('-'))
  const unknown = named.filter((name) => !all.some((one) => one.name === name))
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ') || 'none'
    throw new Error(`There is no bench named ${unknown.join(', ')}. There are: ${known}.`)
  }
  for (const { name, main } of named.length > 0 ? all.filter((one) => named.includes(one.name)) : all) {
    console.log(`\n== ${name}`)
    // In dist/, where it finds the bundles beside itself and the packages above.
    const file = join(root, 'dist', `bench-${name}.mjs`)
    await bundle({ main, file })
    const { code } = await session.run(process.execPath, [file, ...args.filter((arg) => arg.startsWith('-'))], { env })
    if (code !== 0) return code
  }
  return 0
}
