export { privateDatabase, type PrivateDatabase } from './private-database.ts'
export { privateNats, privateRedis, type PrivateServer } from './private-server.ts'
export { until, type UntilOptions } from './until.ts'
