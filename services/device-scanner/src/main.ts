import { start } from '@lucihub/service-kit'
import { loadConfig } from './config.ts'
import { deviceScanner } from './device-scanner.module.ts'

await start(() => deviceScanner(loadConfig(process.env)))
