import { Controller } from '@nestjs/common'
import { runState, store, type ReadEventsReply, type ReadEventsRequest, type RunEvent } from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { HotView } from '../view/hot-view.ts'
import { EventReader } from './event-reader.ts'

const LIMIT = { max: 1_000, default: 200 } as const

@Controller()
export class EventsHandler {
  constructor(
    private readonly reader: EventReader,
    private readonly view: HotView,
  ) {}

  /** Stored events, and between them the samples events that the live view still remembers. */
  @Answer(store.readEvents)
  async readEvents(
    { ownerId, role, runId, afterAttempt, afterSeqPlusOne, limit }: ReadEventsRequest,
    _call: Call,
  ): Promise<ReadEventsReply> {
    const place = {
      attempt: Math.min(afterAttempt, 0x7fffffff),
      seq: Math.min(afterSeqPlusOne, Number.MAX_SAFE_INTEGER),
    }
    const { events, more, state } = await this.reader.read({
      asker: { userId: ownerId, role: role || 'user' },
      runId,
      ...place,
      limit: Math.min(limit || LIMIT.default, LIMIT.max),
    })
    const last = events.at(-1)
    const between = (event: RunEvent): boolean =>
      inOrder(place, event) <= 0 && (!more || !last || inOrder(event, last) < 0)
    const samples = (await this.view.recent(runId)).filter(between)
    return { events: [...events, ...samples].sort(inOrder), more, state: runState.toProto(state) }
  }
}

function inOrder(
  a: { readonly attempt: number; readonly seq: number },
  b: { readonly attempt: number; readonly seq: number },
): number {
  return a.attempt - b.attempt || a.seq - b.seq
}
