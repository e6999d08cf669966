/** How firmwares of this generation differ where their description is silent or has changed. */
import type { EntitySpelling } from './entities.ts'

export interface Quirks extends EntitySpelling {
  /** Types whose replies carry no id. */
  readonly withoutId: readonly string[]
  /** `null`: an answer without fields says so. */
  readonly emptyMessage: 'object' | 'null'
  /** `all`: every phase of a run is told; `last`: only DONE and ERROR. */
  readonly phases: 'last' | 'all'
}

/** The last firmwares that spoke JSON lines. */
export const FIRMWARE_1: Quirks = {
  macWithSlash: false,
  versions: 'list',
  numbering: 'current',
  withoutId: [],
  emptyMessage: 'object',
  phases: 'last',
}

/** The emulator that comes with lucipy. */
export const EMULATOR: Quirks = {
  macWithSlash: false,
  versions: 'number',
  numbering: 'oldest',
  withoutId: ['start_run'],
  emptyMessage: 'null',
  phases: 'last',
}
