import type { Service } from '@lucihub/service-kit'
import type { RunStoreConfig } from './config.ts'
import { RunStoreModule } from './run-store.module.ts'

/** The service as `start` takes it; tests call it with private servers. */
export function runStore(config: RunStoreConfig): Service {
  return { name: 'run-store', config, module: (bus) => RunStoreModule.of(config, bus) }
}
