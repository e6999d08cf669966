import { start } from '@lucihub/service-kit'
import { compilerService } from './compiler.module.ts'
import { loadConfig } from './config.ts'

await start(() => compilerService(loadConfig(process.env)))
