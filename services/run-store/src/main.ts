import 'reflect-metadata'
import { start } from '@lucihub/service-kit'
import { loadConfig } from './config.ts'
import { isMaintenance, maintain } from './maintenance/command-line.ts'
import { runStore } from './run-store.ts'

const { argv, env, stdout, stderr } = process
const args = argv.slice(2)
if (isMaintenance(args)) {
  const terminal = { env, out: (text: string) => stdout.write(text), err: (text: string) => stderr.write(text) }
  process.exitCode = await maintain(args, terminal)
} else await start(() => runStore(loadConfig(env)))
