/** Steps that several commands share. */
import { build } from './build.mjs'
import { provide } from './servers/index.mjs'

/** @param {import('./session.mjs').Session} session */
export function bundles({ step }) {
  return step('bundles', async (say) => say((await build()).join(', ') || 'up to date'))
}

/**
 * @param {import('./session.mjs').Session} session
 * @param {{ postgres?: import('./servers/index.d.mts').Wanted, nats?: import('./servers/index.d.mts').Wanted, redis?: import('./servers/index.d.mts').Wanted }} wanted
 */
export function servers({ step }, wanted) {
  return step('servers', async (say) => {
    const binaries = await provide(wanted)
    say(
      Object.entries(binaries)
        .map(
          ([name, found]) => `${name} ${'url' in found ? `at ${found.source}` : `${found.version} (${found.source})`}`,
        )
        .join(', '),
    )
    return binaries
  })
}
