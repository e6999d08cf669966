import {
  ATTEMPT_STATES,
  DEVICE_CLASSES,
  ENTITY_CLASSES,
  RUN_KINDS,
  RUN_STATES,
  SAMPLE_ENCODINGS,
  SEVERITIES,
} from '@lucihub/analog'
import * as enums from './enums.ts'
import { lucihub } from './protocol.ts'

const v1 = lucihub.v1

interface AnyCodec {
  toProto(word: string): number
  fromProto(number: number): string
}

test.each<[string, Record<string, string | number>, AnyCodec, readonly string[]]>([
  ['RunKind', v1.RunKind, enums.runKind, RUN_KINDS],
  ['RunState', v1.RunState, enums.runState, RUN_STATES],
  ['AttemptState', v1.AttemptState, enums.attemptState, ATTEMPT_STATES],
  ['DeviceClass', v1.DeviceClass, enums.deviceClass, DEVICE_CLASSES],
  ['EntityClass', v1.EntityClass, enums.entityClass, ENTITY_CLASSES],
  ['SampleEncoding', v1.SampleEncoding, enums.sampleEncoding, SAMPLE_ENCODINGS],
  ['Severity', v1.Severity, enums.severity, SEVERITIES],
  ['MBlockKind', v1.MBlockKind, enums.mBlockKind, ['MINT', 'MMUL', 'MDR']],
  ['MdrOperation', v1.MdrOperation, enums.mdrOperation, ['MULTIPLY', 'SQUARE', 'DIVIDE', 'SQRT', 'IDENT']],
])('%s has a number for every word and a word for every number', (_, numbers, codec, words) => {
  expect(words.map((word) => codec.fromProto(codec.toProto(word)))).toEqual(words)
  const specified = Object.entries(numbers).filter(
    ([name, number]) => typeof number === 'number' && !name.endsWith('_UNSPECIFIED'),
  )
  expect(specified.map(([, number]) => codec.fromProto(Number(number))).sort()).toEqual([...words].sort())
})

test('a number without a word is refused', () => {
  expect(() => enums.runState.fromProto(99 as never)).toThrow('invariant broken: RUN_STATE_ has a word for 99')
})
