import { Controller, Get, Inject } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Problem } from '@lucihub/analog'
import { compiler, store } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Needs, Public } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { VERSION } from '../version.ts'
import { HealthSchema, StatusSchema, type StatusResource } from './system.schema.ts'

/** A service that takes longer than this is of no use to anybody. */
const REACH_TIMEOUT_MS = 2_000
/** How long a status may be told again, so that watching the hub does not load it. */
const STATUS_AGE_MS = 1_000

@ApiTags('system')
@Controller()
export class SystemController {
  #services: { readonly at: number; readonly status: Promise<StatusResource['services']> } | null = null

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get('health')
  @Public()
  @ApiOperation({
    summary: 'Is this gateway up?',
    description: 'Needs no key. Says nothing about the services behind it.',
  })
  @Answers(200, HealthSchema, 'It is')
  health() {
    return { status: 'healthy' }
  }

  @Get('api/v1/system/status')
  @Needs('devices:read')
  @ApiOperation({ summary: 'How is the hub?', description: 'Asks every service whether it can do its work.' })
  @Answers(200, StatusSchema, 'The status')
  @Problems()
  async status(): Promise<StatusResource> {
    const services = await this.#reach()
    return {
      name: 'lucihub',
      version: VERSION,
      uptimeS: Math.round(process.uptime()),
      ready: services.every(({ reachable }) => reachable),
      services,
    }
  }

  #reach(): Promise<StatusResource['services']> {
    const now = performance.now()
    if (!this.#services || now - this.#services.at > STATUS_AGE_MS) {
      const options = { timeoutMs: REACH_TIMEOUT_MS }
      const status = Promise.all([
        reached('run-store', this.bus.call(store.listDevices, { activeOnly: true }, options)),
        // An empty program is the cheapest question that the whole compiler answers.
        reached(
          'compiler',
          this.bus.call(compiler.compile, { source: '', device: null, opTimeNs: 1_000_000, k0: 0 }, options),
        ),
      ])
      this.#services = { at: now, status }
    }
    return this.#services.status
  }
}

async function reached(name: string, answer: Promise<unknown>): Promise<StatusResource['services'][number]> {
  try {
    await answer
    return { name, reachable: true, detail: '' }
  } catch (failure) {
    return { name, reachable: false, detail: Problem.from(failure).title }
  }
}
