/** One configuration in the forms that people and tools ask for. */
import { decompile } from '@lucihub/analang'
import {
  invariant,
  violationsOf,
  type Configuration,
  type DeviceDescription,
  type DeviceSpecification,
} from '@lucihub/analog'
import { encodeApb } from '@lucihub/device/files'
import { drawCircuit } from '@lucihub/picture'

export const CIRCUIT_MEDIA = {
  json: 'application/json',
  apb: 'application/octet-stream',
  picture: 'image/svg+xml',
  equations: 'text/plain',
} as const
export type CircuitMedia = (typeof CIRCUIT_MEDIA)[keyof typeof CIRCUIT_MEDIA]

/** For the OpenAPI document: the forms beside JSON. */
export const CIRCUIT_MEDIA_DESCRIBED = {
  [CIRCUIT_MEDIA.apb]:
    'An .apb file, as the tools of the devices read it; labels, units and the pace of problem time have no place there',
  [CIRCUIT_MEDIA.picture]: 'The circuit drawn',
  [CIRCUIT_MEDIA.equations]: 'The circuit as an analang program',
} as const

export interface FittingCircuit {
  readonly configuration: Configuration
  readonly specification: DeviceSpecification
  /** Gives portable carriers in an .apb file their addresses. */
  readonly description: DeviceDescription | null
}

/** Content and its type. The configuration has to fit the specification. */
export function represent(
  { configuration, specification, description }: FittingCircuit,
  media: Exclude<CircuitMedia, 'application/json'>,
): { readonly type: string; readonly body: Buffer | string } {
  invariant(violationsOf(configuration, specification).length === 0, 'only what fits is drawn or decompiled')
  switch (media) {
    case 'application/octet-stream':
      return { type: media, body: Buffer.from(encodeApb({ configuration, description })) }
    case 'image/svg+xml':
      return { type: `${media}; charset=utf-8`, body: drawCircuit(configuration, specification) }
    case 'text/plain':
      return { type: `${media}; charset=utf-8`, body: decompile(configuration, specification).source }
  }
}
