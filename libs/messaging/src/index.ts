export * from './bus.ts'
export * from './handlers.ts'
export * from './messaging.module.ts'
