/** What else ends OP, as a message: one flat message, whose kind says which of its fields count. */
import { CROSSING_DIRECTIONS, Problem, type HaltCondition } from '@lucihub/analog'
import type { HaltConditionMessage } from '../messages.ts'

const UNSET: HaltConditionMessage = {
  kind: '',
  channel: 0,
  level: 0,
  direction: '',
  slopeMax: 0,
  durationNs: 0,
  limitMs: 0,
}

export function haltToProto(condition: HaltCondition): HaltConditionMessage {
  return { ...UNSET, ...condition }
}

/** Problem `invalid-request` for a kind or a direction that this version does not know. */
export function haltFromProto(message: HaltConditionMessage): HaltCondition {
  const { kind, channel, level, slopeMax, durationNs, limitMs } = message
  switch (kind) {
    case 'overload':
      return { kind }
    case 'threshold': {
      const direction = CROSSING_DIRECTIONS.find((word) => word === message.direction)
      if (!direction) throw new Problem('invalid-request', `There is no crossing "${message.direction.slice(0, 40)}".`)
      return { kind, channel, level, direction }
    }
    case 'steadyState':
      return { kind, slopeMax, durationNs }
    case 'wallClock':
      return { kind, limitMs }
    default:
      throw new Problem('invalid-request', `There is no halt condition "${kind.slice(0, 40)}".`)
  }
}
