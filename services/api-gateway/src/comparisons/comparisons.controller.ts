import { Controller, Get, Inject, Query } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { Bus } from '@lucihub/messaging'
import { From, Needs, type Caller } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { RunId, parseRunId } from '../runs/run-id.ts'
import { compareStoredRuns } from './compare.ts'
import { ComparisonQuerySchema, ComparisonSchema, type ComparisonQuery } from './comparisons.schema.ts'

@ApiTags('results')
@Controller('api/v1/runs/:id/comparison')
export class ComparisonsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('runs:read')
  @ApiOperation({
    summary: 'Compare two runs',
    description:
      'Channel by channel, as a device is verified against a simulation of the same configuration. Different sample rates are aligned by interpolation. Solutions of chaotic systems part sooner or later: such runs agree when they do so up to the horizon that the growth of their difference allows.',
  })
  @Answers(200, ComparisonSchema, 'The comparison')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  comparison(
    @From() { userId }: Caller,
    @RunId() runId: string,
    @Query({ schema: ComparisonQuerySchema }) { with: other, tolerance }: ComparisonQuery,
  ) {
    return compareStoredRuns(this.bus, { ownerId: userId, runId, otherId: parseRunId(other), tolerance })
  }
}
