import { start } from '@lucihub/service-kit'
import { loadConfig } from './config.ts'
import { apiGateway } from './gateway.ts'

await start(() => apiGateway(loadConfig(process.env)))
