import { Controller } from '@nestjs/common'
import { broadcasts, feeds, type CancelNudge, type RunCommand } from '@lucihub/contracts'
import { Consume, Listen, type Delivery } from '@lucihub/messaging'
import { Bench } from './bench.ts'

/** Commands under way at the same time: one slow device must not hold up the others. */
const COMMANDS_AT_ONCE = 64

/** What run-store tells this host to do. */
@Controller()
export class RunCommandsController {
  constructor(private readonly bench: Bench) {}

  @Consume(feeds.runCommand, { durable: 'exec', perHost: true, concurrency: COMMANDS_AT_ONCE })
  run(command: RunCommand, _delivery: Delivery): Promise<void> {
    return this.bench.take(command)
  }

  @Listen(broadcasts.cancelNudge, { perHost: true })
  async cancel(nudge: CancelNudge, _subject: string): Promise<void> {
    this.bench.cancel(nudge)
  }
}
