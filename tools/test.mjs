/** `npm test`: one jest over the whole workspace, with one Postgres for all specs and fresh bundles for those that run processes. */
import { join } from 'node:path'
import { bundles, servers } from './steps.mjs'
import { startPostgres } from './servers/index.mjs'
import { root } from './session.mjs'

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} args For jest.
 */
export async function test(session, args) {
  await bundles(session)
  return specs(session, args)
}

/**
 * @param {import('./session.mjs').Session} session
 * @param {readonly string[]} args For jest.
 */
export async function specs(session, args) {
  const binaries = await servers(session, { postgres: true, nats: 'own', redis: 'own' })
  const dir = session.privateFolder()
  const postgres = await session.step('postgres', async () => {
    const server = await startPostgres({
      binaries,
      dir: join(dir, 'postgres'),
      durable: false,
      settings: { max_connections: 200 },
    })
    session.defer(() => server.stop())
    return server
  })
  const env = {
    ...process.env,
    LUCIHUB_TEST_BINARIES: JSON.stringify(binaries),
    LUCIHUB_TEST_DATABASE_URL: postgres.url,
    LUCIHUB_TEST_DIR: dir,
    NX_DAEMON: 'false',
    NX_TUI: 'false',
  }
  const jest = ['--experimental-vm-modules', '--no-warnings', join(root, 'node_modules/jest/bin/jest.js')]
  const { code } = await session.run(process.execPath, [...jest, ...args], { env })
  return code
}
