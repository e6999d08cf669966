/** `npm run demo`: an equation in, a measurement out, through every part of the hub. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bundles, servers } from './steps.mjs'
import { startHub } from './hub.mjs'
import { root } from './session.mjs'

/** 40 units of the program's time, both wings of the attractor; on slow integrators, so that there is something to watch. */
const HOW_LONG = ['--k0', '100', '--ic-time', '10ms', '--op-time', '400ms', '--sample-rate', '20k', '--phase', 'x,z']

/** @param {import('./session.mjs').Session} session */
export async function demo(session) {
  await bundles(session)
  const binaries = await servers(session, { postgres: true, nats: true, redis: true })
  const dir = session.privateFolder()
  const hub = await session.step('hub', async (say) => {
    const started = await startHub({ dir, binaries })
    session.defer(() => started.stop())
    say(started.url)
    return started
  })

  const out = join(root, 'out')
  mkdirSync(out, { recursive: true })
  const csv = join(out, 'lorenz.csv')
  const plot = join(out, 'lorenz.svg')
  const program = join(root, 'examples/lorenz.ana')
  const env = { ...process.env, LUCIHUB_URL: hub.url, LUCIHUB_API_KEY: hub.apiKey }
  const commands = [
    ['devices'],
    ['compile', program],
    ['run', program, '--device', 'virtual-lucidac', ...HOW_LONG, '--check', '--out', csv, '--plot', plot],
  ]
  for (const args of commands) {
    console.log(`\n$ lucihub ${args.map((arg) => arg.replace(`${root}/`, '')).join(' ')}`)
    const { code } = await session.run(process.execPath, [join(root, 'dist/cli.mjs'), ...args], { env })
    if (code !== 0) return code
  }
  for (const file of [csv, plot]) if (!existsSync(file)) throw new Error(`The run ended well and wrote no ${file}.`)
  console.log(`\nMeasurements  ${csv}\nPlot          ${plot}`)
  return 0
}
