/** .apb files: a `File` holding the items of a configuration, of a description, or of both. */
import type { Configuration, DeviceDescription } from '@lucihub/analog'
import { anabrid, decodeFile, PROTOCOL_VERSION } from '../wire/messages.ts'
import { encodeConfiguration } from './configuration.ts'
import { decodeConfiguration } from './configuration-reader.ts'
import { decodeDescription, encodeDescription } from './entity.ts'

/** What a file holds; null where it holds none. */
export interface Apb {
  readonly description: DeviceDescription | null
  readonly configuration: Configuration | null
}

/** Writes a file. Of a configuration, probe labels, units and the time scale are not kept: the format has no place for them. */
export function encodeApb({ description, configuration }: Partial<Apb>): Uint8Array {
  const items = [
    ...((description && encodeDescription(description).items) ?? []),
    ...((configuration && encodeConfiguration(configuration, description ?? null).items) ?? []),
  ]
  return anabrid.File.encode({ version: PROTOCOL_VERSION, module: { items } }).finish()
}

/** Reads a file. Throws a Problem: `invalid-request` when it is none, `validation-failed` when an item cannot be expressed. */
export function decodeApb(bytes: Uint8Array): Apb {
  const module = decodeFile(bytes).module ?? { items: [] }
  const description = decodeDescription(module)
  const settings = module.items.filter(({ kind }) => kind !== 'entitySpecification')
  return {
    description,
    configuration: settings.length > 0 ? decodeConfiguration(settings, description) : null,
  }
}
