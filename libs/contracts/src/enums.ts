/** Enumerations: the domain's words against protobuf's numbers, matched by name and complete in both directions. */
import {
  ATTEMPT_STATES,
  DEVICE_CLASSES,
  ENTITY_CLASSES,
  RUN_KINDS,
  RUN_STATES,
  SAMPLE_ENCODINGS,
  SEVERITIES,
  invariant,
  type MdrOperation,
} from '@lucihub/analog'
import { lucihub } from './protocol.ts'

const v1 = lucihub.v1

/** Both directions of one enumeration. */
export interface EnumCodec<Word extends string, N extends number> {
  toProto(word: Word): N
  /** Throws on a number that has no word: the sender is newer or broken. */
  fromProto(number: N): Word
}

export const runKind = enumCodec(v1.RunKind, 'RUN_KIND_', RUN_KINDS)
export const runState = enumCodec(v1.RunState, 'RUN_STATE_', RUN_STATES)
export const attemptState = enumCodec(v1.AttemptState, 'ATTEMPT_STATE_', ATTEMPT_STATES)
export const deviceClass = enumCodec(v1.DeviceClass, 'DEVICE_CLASS_', DEVICE_CLASSES)
export const entityClass = enumCodec(v1.EntityClass, 'ENTITY_CLASS_', ENTITY_CLASSES)
export const sampleEncoding = enumCodec(v1.SampleEncoding, 'SAMPLE_ENCODING_', SAMPLE_ENCODINGS)
export const severity = enumCodec(v1.Severity, 'SEVERITY_', SEVERITIES)
export const mBlockKind = enumCodec(v1.MBlockKind, 'M_BLOCK_KIND_', ['MINT', 'MMUL', 'MDR'] as const)
export const mdrOperation = enumCodec(v1.MdrOperation, 'MDR_OPERATION_', [
  'MULTIPLY',
  'SQUARE',
  'DIVIDE',
  'SQRT',
  'IDENT',
] as const satisfies readonly MdrOperation[])
export const treeKind = enumCodec(v1.TreeKind, 'TREE_KIND_', ['project', 'dataset', 'datapoint'] as const)
export const fileOwnerKind = enumCodec(v1.FileOwnerKind, 'FILE_OWNER_KIND_', ['dataset', 'datapoint', 'run'] as const)
export const ClaimResult = v1.ClaimResult

function enumCodec<Word extends string, E extends Record<string, string | number>>(
  numbers: E,
  prefix: string,
  words: readonly Word[],
): EnumCodec<Word, Extract<E[keyof E], number>> {
  type N = Extract<E[keyof E], number>
  const byWord = new Map(words.map((word) => [word, numbers[prefix + word.toUpperCase()] as N]))
  const byNumber = new Map([...byWord].map(([word, number]) => [number, word]))
  return {
    toProto(word) {
      const number = byWord.get(word)
      invariant(number !== undefined, `${prefix}${word} is in the proto file`)
      return number
    },
    fromProto(number) {
      const word = byNumber.get(number)
      invariant(word !== undefined, `${prefix} has a word for ${number}`)
      return word
    },
  }
}
