/** Makes the streams what libs/contracts says they are. Idempotent: run at start and whenever one is missing. */
import {
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamUpdateConfig,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { STREAMS, type StreamDefinition } from '@lucihub/contracts'

/** How long the server remembers message ids: longer than any publisher keeps retrying. */
const DUPLICATE_WINDOW_MS = 120_000
/** The server's code for "this name is in use with another configuration". */
const STREAM_NAME_IN_USE = 10_058

export async function provisionStreams(manager: JetStreamManager): Promise<void> {
  for (const definition of Object.values<StreamDefinition>(STREAMS)) {
    try {
      await manager.streams.add({
        ...changeable(definition),
        name: definition.name,
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
      })
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NAME_IN_USE) throw error
      await manager.streams.update(definition.name, changeable(definition))
    }
  }
}

function changeable({ subjects, maxAgeMs, maxBytes, latestOnly }: StreamDefinition): Partial<StreamUpdateConfig> {
  return {
    subjects: [...subjects],
    max_age: nanos(maxAgeMs),
    max_bytes: maxBytes,
    max_msgs_per_subject: latestOnly ? 1 : -1,
    discard: DiscardPolicy.New,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    deny_delete: true,
    deny_purge: false,
    allow_rollup_hdrs: false,
  }
}
