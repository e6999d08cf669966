/** The first steps of every command: the right Node, the packages of the lockfile, the generated code. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from './lock.mjs'
import { root } from './session.mjs'

const NODE = [20, 19]

/** @param {import('./session.mjs').Session} session */
export async function prepare(session) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < NODE[0] || (major === NODE[0] && minor < NODE[1])) {
    throw new Error(
      `LuciHub needs Node ${NODE.join('.')} or newer; this is ${process.versions.node}. Install a current one from https://nodejs.org.`,
    )
  }
  const release = await lock('prepare', { wait: true })
  session.defer(release)
  await session.step('packages', (say) => install(session, say))
  await session.step('generated code', async (say) => {
    const { generate } = await import('./generate.mjs')
    say(generate().join(', ') || 'up to date')
  })
  release()
}

async function install({ run }, say) {
  const stamp = join(root, 'node_modules/.lucihub-lockfile')
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return say('up to date')
  const { code, text } = await run('npm', ['ci'], { quiet: true })
  if (code !== 0) {
    const complaint = text.trim().split('\n').slice(0, 12).join('\n')
    throw new Error(`npm ci failed with exit code ${code}; npm config get registry says where it looks.\n${complaint}`)
  }
  writeFileSync(stamp, hash)
  return say('npm ci')
}
