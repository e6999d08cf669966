/** What the checker says. */

/** The invariants, as docs/faults.md explains them. */
export const INVARIANTS = {
  I1: 'accepted runs exist and end exactly once',
  I2: 'completed runs hold what the device sent',
  I3: 'no sample stored twice',
  I4: 'one start per attempt',
  I5: 'one driver per device, under a living lease',
  I6: 'one claimed attempt per device',
  I7: 'states follow their table',
  I8: 'sealed journals are whole',
  I9: 'nothing leaves a stream before the seal',
  I10: 'nothing acknowledged is dropped',
  I11: 'followers hear the story in order',
  I12: 'cancelling tells the truth',
  I14: 'the hub works again',
  I15: 'resources return',
  I16: 'no crash and no secret in a log',
  I18: 'no avoidable repetition',
  I19: 'streams and consumers are as designed',
} as const
export type InvariantId = keyof typeof INVARIANTS

export interface Violation {
  readonly invariant: InvariantId
  readonly what: string
}

export function violation(invariant: InvariantId, what: string): Violation {
  return { invariant, what }
}
