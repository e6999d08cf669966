#!/usr/bin/env node
/**
 * What `npm run demo`, `npm test`, `npm start` and the others run. Built-in modules only: it has to work in a
 * fresh clone, before anything is installed.
 */
import { prepare } from './install.mjs'
import { session } from './session.mjs'

const COMMANDS = {
  demo: {
    what: 'starts a hub with virtual devices, computes the Lorenz attractor on one and plots it',
    load: () => import('./demo.mjs'),
  },
  test: {
    what: 'runs all specs; arguments go to jest, as in: npm test -- libs/analog',
    load: () => import('./test.mjs'),
  },
  start: {
    what: 'starts a hub with virtual devices that stays up and keeps its data',
    load: () => import('./start.mjs'),
  },
  verify: { what: 'builds, checks types, lint and format, and runs all specs', load: () => import('./verify.mjs') },
  corpus: {
    what: 'compiles, simulates and checks every program in examples/, and writes docs/corpus.md',
    load: () => import('./corpus.mjs'),
  },
  parity: {
    what: 'runs the tests of what the seed systems could do, and writes docs/seed-parity.md',
    load: () => import('./parity.mjs'),
  },
  faults: {
    what: 'stages faults against a whole hub and checks that nothing is lost, doubled or stuck; see docs/faults.md',
    load: () => import('./faults.mjs'),
  },
  bench: { what: 'runs the measurements in bench/, or the named ones', load: () => import('./bench.mjs') },
}

const [name = '--help', ...args] = process.argv.slice(2)
process.exit(await main())

async function main() {
  if (name === '--help' || name === '-h' || name === 'help') return usage(console.log, 0)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) return usage(console.error, 2, `There is no command ${name}.\n\n`)
  try {
    return await session(async (own) => {
      await prepare(own)
      const loaded = await command.load()
      return loaded[name](own, args)
    })
  } catch (error) {
    console.error(`\n${process.env.LUCIHUB_DEBUG ? error.stack : error.message}`)
    return 1
  }
}

function usage(print, code, complaint = '') {
  const lines = Object.entries(COMMANDS).map(([command, { what }]) => `  ${command.padEnd(8)} ${what}`)
  print(`${complaint}usage: node tools/lucihub.mjs <command> [arguments]

${lines.join('\n')}

Environment: DATABASE_URL, NATS_URL, REDIS_URL use servers that run already; LUCIHUB_CACHE is the folder for
downloaded servers; HTTP_PORT and HTTP_HOST place the hub of start; LUCIHUB_DEBUG=1 shows stack traces.`)
  return code
}
