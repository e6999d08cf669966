import { start } from '@lucihub/service-kit'
import { loadConfig } from './config.ts'
import { hardwareExecutor } from './hardware-executor.module.ts'

await start(() => hardwareExecutor(loadConfig(process.env)))
