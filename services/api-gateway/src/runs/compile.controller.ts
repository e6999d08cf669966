import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common'
import { ApiOperation, ApiTags } from '@nestjs/swagger'
import { configurationFromProto, reportFromProto } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import { Needs } from '../access/caller.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { compile, STANDARD_DEVICE, targetOf } from './compilation.ts'
import { CompileSchema, CompileSubmissionSchema, type CompileSubmission } from './compile.schema.ts'

@ApiTags('compile')
@Controller('api/v1/compile')
export class CompileController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Post()
  @HttpCode(200)
  @Needs('compile:write')
  @ApiOperation({
    summary: 'Compile without storing anything',
    description:
      'A program with errors is a result here, not a problem: `compiles` is false and the diagnostics say why.',
  })
  @Answers(200, CompileSchema, 'The outcome')
  @Problems('invalid-request', 'too-large', 'unsupported-media-type', 'validation-failed')
  async compile(@Body({ schema: CompileSubmissionSchema }) { source, device, opTimeNs, k0 }: CompileSubmission) {
    const target = device === undefined ? null : await targetOf(this.bus, device)
    const { reply, diagnostics } = await compile(this.bus, {
      source,
      description: target ? (target.description ?? STANDARD_DEVICE) : null,
      opTimeNs,
      k0,
    })
    const { configuration, report } = reply
    return {
      compiles: Boolean(configuration),
      diagnostics,
      configuration: configuration ? configurationFromProto(configuration) : null,
      report: report ? reportFromProto(report) : null,
    }
  }
}
