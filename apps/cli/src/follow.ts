/** Follows a run to its end, with the progress on stderr. */
import { isTerminal } from '@lucihub/analog'
import type { RunResource, RunStreamEvent } from '@lucihub/sdk'
import type { Session } from './command.ts'
import { EXIT } from './exit.ts'
import { progressLine, type Progress } from './show/progress.ts'

/** How following ended. A run that was not seen to its end goes on. */
export type Followed =
  { readonly kind: 'ended'; readonly run: RunResource } | { readonly kind: 'timeout' | 'interrupted' }

export async function follow(session: Session, run: RunResource, timeoutMs: number | null = null): Promise<Followed> {
  const { surroundings, client } = session
  const { stderr, rewritable, columns } = surroundings
  const interrupt = surroundings.watchInterrupt()
  const timeout = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs)
  const signal = timeout ? AbortSignal.any([interrupt.signal, timeout]) : interrupt.signal
  const line = progressLine({ write: (text) => void stderr.write(text), rewritable, columns })
  let progress: Progress = {
    state: run.state,
    phase: null,
    samples: run.storedSamples,
    expected: run.expectedSamples,
    note: '',
  }
  let attempt = 0
  try {
    line.show(progress)
    for await (const event of client.events(run.id, { signal })) {
      if (event.kind !== 'lost' && event.attempt > attempt) {
        if (attempt > 0) progress = { ...progress, samples: 0, phase: null, note: `attempt ${event.attempt}` }
        attempt = event.attempt
      }
      if (event.kind === 'gap') line.say(`lost: chunks ${event.fromChunk} to ${event.toChunk - 1}`)
      progress = advance(progress, event)
      line.show(progress)
    }
  } finally {
    line.clear()
    interrupt.release()
  }
  if (interrupt.signal.aborted) return { kind: 'interrupted' }
  const ended = await client.run(run.id)
  return timeout?.aborted && !isTerminal(ended.state) ? { kind: 'timeout' } : { kind: 'ended', run: ended }
}

function advance(progress: Progress, event: RunStreamEvent): Progress {
  switch (event.kind) {
    case 'state':
      return { ...progress, state: event.state, note: event.reason || progress.note }
    case 'phase':
      return { ...progress, phase: event.phase }
    case 'samples':
      return { ...progress, samples: Math.max(progress.samples, event.firstIndex + event.count) }
    default:
      return progress
  }
}

/** Says that the run goes on, and gives the exit code. */
export async function stillRunning(session: Session, id: string, kind: 'timeout' | 'interrupted'): Promise<number> {
  session.note(`The run goes on: lucihub wait ${id}`)
  if (session.json) await session.answer({ id, followed: kind }, '')
  return kind === 'timeout' ? EXIT.timeout : EXIT.interrupted
}
