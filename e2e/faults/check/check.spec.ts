/** The checker sees what it is there for: facts of a good run, and one of them spoiled at a time. */
import type { CommandLine } from '../device-log.ts'
import type { Change } from './audit.ts'
import { checkDevices } from './devices.ts'
import type { AttemptRow, Facts, RunRow } from './facts.ts'
import { checkRuns } from './runs.ts'

const RUN = '01a1fe32-0000-7000-8000-000000000001'
const MAC = '02-00-00-00-00-01'

const run: RunRow = {
  id: RUN,
  key: 'faults-1-0',
  state: 'COMPLETED',
  reason: '',
  winning_attempt: 1,
  num_channels: 2,
  accept_gaps: false,
  max_attempts: 2,
  terminals: 1,
  terminal_state: 'COMPLETED',
  terminalMs: 9_000,
}
const attempt: AttemptRow = {
  run_id: RUN,
  number: 1,
  state: 'ENDED',
  outcome: 'ok',
  reason: '',
  counted: true,
  device_id: MAC,
  epoch: 4,
  boot_id: 'boot',
  device_run_id: 'device-run-1',
  last_seq: 9,
  claimedMs: 1_000,
  endedMs: 8_000,
}
const command = (at: number, what: string, connection = 'a', runId = ''): CommandLine => ({
  kind: 'command',
  at,
  wallMs: at,
  device: MAC,
  connection,
  command: what,
  runId,
})
const start = (at: number, connection = 'a', runId = 'device-run-1'): CommandLine =>
  command(at, 'startRunCommand', connection, runId)
const change = (given: Partial<Change>): Change => ({
  n: 1,
  atMs: 1_000,
  what: 'run',
  run_id: RUN,
  attempt: null,
  device_id: null,
  old_state: null,
  state: null,
  old_epoch: null,
  epoch: null,
  old_boot: null,
  boot: null,
  oldExpiresMs: null,
  expiresMs: null,
  ...given,
})
const lease = (given: Partial<Change>): Change =>
  change({
    what: 'lease',
    run_id: null,
    device_id: MAC,
    old_epoch: 4,
    epoch: 4,
    old_boot: 'b',
    boot: 'b',
    oldExpiresMs: 20_000,
    expiresMs: 20_000,
    ...given,
  })

function facts(given: Partial<Facts> = {}): Facts {
  const attempts = given.attempts ?? [attempt]
  return {
    schedule: { seed: 1, runs: [], faults: [] },
    runs: [run],
    attempts,
    attemptOf: new Map(attempts.map((row) => [row.device_run_id ?? '', row])),
    changes: [
      change({ state: 'QUEUED' }),
      change({ old_state: 'QUEUED', state: 'RUNNING' }),
      change({ old_state: 'RUNNING', state: 'COMPLETED' }),
      change({ what: 'terminal-insert', state: 'COMPLETED' }),
      lease({}),
    ],
    commands: [command(2_000, 'resetCommand'), start(2_100)],
    deviceRuns: new Map([
      [
        'device-run-1',
        {
          kind: 'run',
          at: 3_000,
          wallMs: 3_000,
          device: MAC,
          runId: 'device-run-1',
          channels: 2,
          sent: 10,
          skipped: 0,
          done: true,
        },
      ],
    ]),
    users: {
      answers: [
        { wallMs: 500, key: 'faults-1-0', what: 'submit', status: 201, runId: RUN, state: 'QUEUED', detail: '' },
      ],
      heard: [
        {
          key: 'faults-1-0',
          runId: RUN,
          over: true,
          events: [
            { connection: 1, event: 'log', id: '1:0', state: '' },
            { connection: 2, event: 'end', id: '1:9', state: '' },
            { connection: 2, event: 'state', id: '', state: 'COMPLETED' },
          ],
        },
      ],
    },
    incidents: [],
    bus: { acknowledged: [], purges: [], givenUp: [] },
    deadLettersBefore: 0,
    beganMs: 0,
    healedMs: 10_000,
    ...given,
  }
}

const said = (given: Partial<Facts>): string[] =>
  [...checkRuns(facts(given)), ...checkDevices(facts(given))].map(({ invariant, what }) => `${invariant} ${what}`)
const heard = (...ids: string[]): Facts['users'] => ({
  ...facts().users,
  heard: facts().users.heard.map((one) => ({
    ...one,
    events: [
      ...ids.map((id) => ({ connection: 1, event: 'log', id, state: '' })),
      { connection: 1, event: 'state', id: '', state: 'COMPLETED' },
    ],
  })),
})

test('a good run breaks nothing', () => {
  expect(said({})).toEqual([])
})

const CASES: readonly (readonly [string, Partial<Facts>, string])[] = [
  ['a lost run', { runs: [] }, `I1 run ${RUN} (faults-1-0) was accepted and does not exist`],
  [
    'two terminal rows',
    { runs: [{ ...run, terminals: 2 }] },
    `I1 run ${RUN} (faults-1-0) is COMPLETED and has 2 terminal rows`,
  ],
  [
    'a run stuck',
    { runs: [{ ...run, state: 'RUNNING', terminals: 0 }], users: { answers: [], heard: [] } },
    `I1 run ${RUN} (faults-1-0) is RUNNING and has 0 terminal rows`,
  ],
  [
    'an end that was left',
    { changes: [lease({}), change({ old_state: 'COMPLETED', state: 'RUNNING' })] },
    `I7 run ${RUN} went from COMPLETED to RUNNING`,
  ],
  [
    'a LOST attempt that ended',
    {
      changes: [lease({}), change({ what: 'attempt', attempt: 1, device_id: MAC, old_state: 'LOST', state: 'ENDED' })],
    },
    `I7 attempt ${RUN}/1 went from LOST to ENDED`,
  ],
  [
    'two claims of one device',
    {
      changes: [1, 2].map((number) =>
        change({ what: 'attempt', attempt: number, device_id: MAC, old_state: 'DISPATCHED', state: 'CLAIMED' }),
      ),
    },
    `I6 device ${MAC} had ${RUN}/1 and ${RUN}/2 claimed at once`,
  ],
  ['a second start', { commands: [start(2_100), start(2_200)] }, 'I4 the device run device-run-1 was started 2 times'],
  [
    'a start that nobody granted',
    { commands: [start(2_100), start(2_200, 'a', 'stranger')] },
    'I4 the device run stranger was started, and no attempt is known under it',
  ],
  [
    'a start that was denied',
    { attempts: [{ ...attempt, state: 'ABORTED', counted: false }] },
    `I4 attempt ${RUN}/1 says that nothing was started, and it was`,
  ],
  [
    'two drivers',
    { commands: [start(2_100), command(2_200, 'resetCommand', 'b'), command(2_300, 'stopRunCommand')] },
    `I5 ${MAC}: connection b (epoch null) drove before a (epoch 4) had finished`,
  ],
  ['an epoch that falls', { changes: [lease({ old_epoch: 5 })] }, `I5 the epoch of ${MAC} fell from 5 to 4`],
  ['a new holder under an old epoch', { changes: [lease({ boot: 'c' })] }, `I5 ${MAC} changed hands under epoch 4`],
  [
    'a command after the lease',
    { changes: [lease({ expiresMs: 1_000 })] },
    `I5 ${MAC} got resetCommand under epoch 4, 1000 ms after the lease had run out`,
  ],
  ['a story told twice', { users: heard('1:3', '1:3') }, `I11 who followed ${RUN} heard 1:3 after 1:3`],
  [
    'a cancellation that was not',
    {
      users: {
        ...facts().users,
        answers: [
          ...facts().users.answers,
          { wallMs: 1, key: 'faults-1-0', what: 'cancel', status: 200, runId: RUN, state: 'CANCELED', detail: '' },
        ],
      },
    },
    `I12 cancelling ${RUN} was answered 200 CANCELED, and it is COMPLETED`,
  ],
  [
    'a start after the end',
    { runs: [{ ...run, terminalMs: 1_000 }] },
    `I12 run ${RUN} was started 1100 ms after it had ended`,
  ],
  [
    'a repetition that nothing explains',
    { attempts: [{ ...attempt, state: 'LOST', outcome: 'lost', reason: 'its journal stayed incomplete' }] },
    `I18 attempt ${RUN}/1 was finished by its device and ended LOST lost: its journal stayed incomplete`,
  ],
]

test.each(CASES)('%s is seen', (_name, given, expected) => {
  expect(said(given)).toContain(expected)
})

test('what a cut explains is no avoidable repetition', () => {
  const attempts = [{ ...attempt, state: 'LOST', outcome: 'lost', reason: 'its device has a new holder' }]
  const cut = { kind: 'cut', leg: 'hardware-executor-nats', at: 2_000, forMs: 5_000 } as const
  expect(said({ attempts })).toHaveLength(1)
  expect(said({ attempts, schedule: { seed: 1, runs: [], faults: [cut] } })).toEqual([])
})
