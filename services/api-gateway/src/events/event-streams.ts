import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import { Bus } from '@lucihub/messaging'
import { gauge } from '@lucihub/service-kit'
import type { ServerResponse } from 'node:http'
import { CONFIG } from '../config-token.ts'
import type { GatewayConfig } from '../config.ts'
import type { RunAddress } from '../results/slices.ts'
import type { Position } from './run-events.ts'
import { RunFeed, storyOf } from './run-feed.ts'
import { Viewer } from './viewer.ts'

const openStreams = gauge('lucihub_event_streams', 'Event streams open in this gateway')

/** All event streams of this process: one feed per run, as many viewers as the limit allows. */
@Injectable()
export class EventStreams implements OnModuleInit, BeforeApplicationShutdown {
  readonly #feeds = new Map<string, RunFeed>()
  readonly #log = new Logger('events')
  #open = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    @Inject(Bus) private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /**
   * Streams the events of a run until it is over or the reader leaves. Throws `too-many-requests` at the limit, and the
   * store's problem (a run that is not there, or not yours) before anything was sent.
   */
  async open(
    run: RunAddress,
    { response, from, begin }: { response: ServerResponse; from: Position; begin: () => void },
  ): Promise<void> {
    if (this.#open >= this.config.streamsMax) {
      throw new Problem(
        'too-many-requests',
        `This gateway serves ${this.config.streamsMax} event streams and all are taken.`,
        { retryAfterS: 5 },
      )
    }
    this.#count(1)
    const feed = this.#feeds.get(run.runId) ?? this.#addFeed(run)
    const viewer = new Viewer(response, storyOf(this.bus, run), from)
    feed.viewers.add(viewer)
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    try {
      await viewer.begin(begin)
      feed.caughtUp(viewer)
      await closed
    } finally {
      feed.viewers.delete(viewer)
      this.#count(-1)
      if (feed.viewers.size === 0) this.#dropFeed(run.runId, feed)
    }
  }

  onModuleInit(): void {
    this.#timer = setInterval(() => this.#beat(), this.config.heartbeatMs).unref()
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer)
    for (const feed of this.#feeds.values()) for (const viewer of feed.viewers) viewer.end()
  }

  #addFeed(run: RunAddress): RunFeed {
    const feed = new RunFeed(this.bus, run.runId)
    this.#feeds.set(run.runId, feed)
    return feed
  }

  #dropFeed(runId: string, feed: RunFeed): void {
    feed.close()
    if (this.#feeds.get(runId) === feed) this.#feeds.delete(runId)
  }

  #count(change: 1 | -1): void {
    this.#open += change
    openStreams.set(this.#open)
  }

  #beat(): void {
    for (const feed of this.#feeds.values()) {
      for (const viewer of feed.viewers) viewer.heartbeat()
      feed
        .refresh()
        .catch((failure: unknown) =>
          this.#log.warn({ message: 'the story of a run cannot be read now', failure: String(failure) }),
        )
    }
  }
}
