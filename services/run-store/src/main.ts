import 'reflect-metadata'
import { start } from '@lucihub/service-kit'
import { loadConfig } from './config.ts'
import { runStore } from './run-store.ts'

await start(() => runStore(loadConfig(process.env)))
