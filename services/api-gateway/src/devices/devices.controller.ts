import { Body, Controller, Get, Inject, Param, Put, Query, Req, Res } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { Problem, invariant } from '@lucihub/analog'
import { descriptionFromProto, deviceClass, store, type Device } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actorOf, From, Needs, type Caller } from '../access/caller.ts'
import { unlessKnown } from '../http/etag.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { instant } from '../runs/run-resource.ts'
import {
  DeviceChangeSchema,
  DeviceDescriptionSchema,
  DeviceFilterSchema,
  DeviceListSchema,
  DeviceSchema,
  type DeviceChange,
  type DeviceFilter,
  type DeviceResource,
} from './devices.schema.ts'

@ApiTags('devices')
@Controller('api/v1/devices')
export class DevicesController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Get()
  @Needs('devices:read')
  @ApiOperation({ summary: 'List devices', description: 'Machines and simulators, present and past.' })
  @Answers(200, DeviceListSchema, 'The devices')
  @Problems('invalid-request', 'validation-failed')
  async list(@Query({ schema: DeviceFilterSchema }) { active }: DeviceFilter) {
    const { devices } = await this.bus.call(store.listDevices, { activeOnly: active === 'true' })
    return { devices: devices.map(deviceResource) }
  }

  @Get(':device')
  @Needs('devices:read')
  @ApiOperation({ summary: 'Read a device', description: 'By id or by name.' })
  @ApiParam({ name: 'device', description: 'Id or name' })
  @Answers(200, DeviceSchema, 'The device')
  @Problems('not-found')
  async read(@Param('device') device: string) {
    return deviceResource(await this.#device(device))
  }

  @Put(':device')
  @Needs('devices:write')
  @ApiOperation({
    summary: 'Say what parameters a device takes',
    description: 'Runs that name the device are checked against the schema from now on. Operators only.',
  })
  @ApiParam({ name: 'device', description: 'Id or name' })
  @Answers(200, DeviceSchema, 'The device as it is now')
  @Problems('not-found', 'invalid-request', 'validation-failed')
  async change(
    @From() caller: Caller,
    @Param('device') device: string,
    @Body({ schema: DeviceChangeSchema }) { parameterSchema }: DeviceChange,
  ) {
    const schemaJson = parameterSchema === null ? '' : JSON.stringify(parameterSchema)
    await this.bus.call(store.setDeviceSchema, { actor: actorOf(caller), device, schemaJson })
    return deviceResource(await this.#device(device))
  }

  @Get(':device/entity')
  @Needs('devices:read')
  @ApiOperation({
    summary: "Read a device's description of itself",
    description: 'Carriers, clusters and blocks as a tree.',
  })
  @ApiParam({ name: 'device', description: 'Id or name' })
  @Answers(200, DeviceDescriptionSchema, 'The tree of entities', { headers: ['ETag'] })
  @Answers(304, null, 'Unchanged since the ETag in If-None-Match')
  @Problems('not-found')
  async entity(
    @Param('device') device: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { description } = (await this.#device(device)).device ?? {}
    if (!description) throw new Problem('not-found', `Device "${device.slice(0, 80)}" has not described itself.`)
    return unlessKnown(request, reply, descriptionFromProto(description))
  }

  async #device(device: string): Promise<Device> {
    const found = (await this.bus.call(store.getDevice, { device })).device
    if (!found) throw new Problem('not-found', `There is no device "${device.slice(0, 80)}".`)
    return found
  }
}

function deviceResource({
  device,
  active,
  leased,
  executorHost,
  queueLength,
  firstSeenMs,
  lastSeenMs,
  parameterSchemaJson,
}: Device): DeviceResource {
  invariant(device, 'a known device has been seen')
  return {
    id: device.id,
    name: device.name,
    deviceClass: deviceClass.fromProto(device.deviceClass),
    active,
    leased,
    executorHost: executorHost || null,
    queueLength,
    firstSeenAt: instant(firstSeenMs),
    lastSeenAt: instant(lastSeenMs),
    descriptionHash: device.descriptionHash,
    inputKinds: ['ode', 'circuit'],
    parameterSchema: parameterSchemaJson ? (JSON.parse(parameterSchemaJson) as Record<string, unknown>) : null,
  }
}
