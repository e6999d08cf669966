import { readEnvironment, serviceConfig, start } from '@lucihub/service-kit'
import { echo } from './echo.ts'

await start(() => echo(readEnvironment(process.env, serviceConfig)))
