import { Body, Controller, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common'
import { ApiBody, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger'
import { decompile, elementUse } from '@lucihub/analang'
import {
  movedTo,
  presumedSpecification,
  Problem,
  specificationOf,
  violationsOf,
  type Configuration,
  type Violation,
} from '@lucihub/analog'
import { descriptionFromProto } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Needs } from '../access/caller.ts'
import { negotiate } from '../http/accept.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { targetOf, type Target } from '../runs/compilation.ts'
import { readCircuit, type CircuitInput } from './circuit-input.ts'
import {
  InspectionQuerySchema,
  InspectionSchema,
  type InspectionQuery,
  type InspectionResource,
} from './circuits.schema.ts'
import { CIRCUIT_MEDIA, CIRCUIT_MEDIA_DESCRIBED, represent, type FittingCircuit } from './representation.ts'

@ApiTags('circuits')
@Controller('api/v1/circuits')
export class CircuitsController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Post('inspect')
  @HttpCode(200)
  @Needs('compile:write')
  @ApiOperation({
    summary: 'Inspect a circuit',
    description:
      'Reads an .apb file, circuit JSON, carrier JSON or a configuration, checks it against a device and gives it back as JSON with its equations, as a picture, as a program or as .apb. Nothing is stored. In JSON a circuit with faults is a result; in the other forms it is a problem.',
  })
  @ApiConsumes('application/json', 'application/octet-stream')
  @ApiBody({
    schema: { type: 'object', description: 'A circuit in one of its JSON forms, or the bytes of an .apb file' },
  })
  @Answers(200, InspectionSchema, 'The circuit', { media: CIRCUIT_MEDIA_DESCRIBED })
  @Problems('invalid-request', 'too-large', 'unsupported-media-type', 'validation-failed', 'not-acceptable')
  async inspect(
    @Query({ schema: InspectionQuerySchema }) { device }: InspectionQuery,
    @Body() content: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const media = negotiate(request.headers.accept, Object.values(CIRCUIT_MEDIA))
    const input = readCircuit(content)
    const target = device === undefined ? null : await targetOf(this.bus, device)
    const circuit = input.configuration && circuitFor(input.configuration, { input, target })
    const violations = circuit ? faultsOf(circuit) : input.violations
    reply.header('vary', 'accept')
    if (media === CIRCUIT_MEDIA.json)
      return inspection({
        input,
        target,
        circuit: circuit && { ...circuit, fits: violations.length === 0 },
        violations,
      })
    if (!circuit || violations.length > 0)
      throw new Problem('validation-failed', `This circuit cannot be shown: ${violations[0]?.message ?? ''}`, {
        violations,
      })
    const { type, body } = represent(circuit, media)
    reply.type(type)
    return body
  }
}

/** The circuit on the device that is named, else on the one that the file describes, else on one that it seems made for. */
function circuitFor(
  configuration: Configuration,
  { input, target }: { input: CircuitInput; target: Target | null },
): FittingCircuit {
  if (target) {
    const { specification, description } = target
    return {
      configuration: movedTo(configuration, specification),
      specification,
      description: description && descriptionFromProto(description),
    }
  }
  const { description } = input
  return {
    configuration,
    specification: description ? specificationOf(description) : presumedSpecification(configuration),
    description,
  }
}

function faultsOf({ configuration, specification }: FittingCircuit): Violation[] {
  return violationsOf(configuration, specification).map((violation) => ({
    ...violation,
    pointer: `/configuration${violation.pointer}`,
  }))
}

function inspection({
  input,
  target,
  circuit,
  violations,
}: {
  readonly input: CircuitInput
  readonly target: Target | null
  readonly circuit: (FittingCircuit & { readonly fits: boolean }) | null
  readonly violations: readonly Violation[]
}): InspectionResource {
  const { source, remarks } = circuit?.fits
    ? decompile(circuit.configuration, circuit.specification)
    : { source: null, remarks: [] }
  return {
    format: input.format,
    deviceId: target?.id ?? null,
    configuration: circuit?.configuration ?? null,
    violations: [...violations],
    equations: source,
    remarks: [...remarks],
    elements: circuit?.fits ? elementUse(circuit.configuration, circuit.specification) : [],
  }
}
