import { Body, Controller, Get, HttpCode, Inject, Param, Patch, Post, Put, Query, Req, Res } from '@nestjs/common'
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger'
import { Problem, invariant } from '@lucihub/analog'
import { descriptionFromProto, deviceClass, store, type Device } from '@lucihub/contracts'
import { Bus } from '@lucihub/messaging'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { From, Needs, actorOf, type Caller } from '../access/caller.ts'
import { unlessKnown } from '../http/etag.ts'
import { Answers, Problems } from '../http/openapi.ts'
import { instant } from '../runs/run-resource.ts'
import {
  DeviceChangeSchema,
  DeviceDescriptionSchema,
  DeviceFilterSchema,
  DeviceHistorySchema,
  DeviceListSchema,
  DeviceSchema,
  type DeviceChange,
  HistoryFilterSchema,
  JudgementSchema,
  OfferSchema,
  type DeviceFilter,
  type DeviceResource,
  type HistoryFilter,
  type Judgement,
  type Offer,
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

  @Get(':device/history')
  @Needs('devices:read')
  @ApiOperation({
    summary: "Read a device's history",
    description: 'What changed, and who decided what, newest first.',
  })
  @ApiParam({ name: 'device', description: 'Id or name' })
  @Answers(200, DeviceHistorySchema, 'A page of changes')
  @Problems('not-found', 'validation-failed')
  async history(@Param('device') device: string, @Query({ schema: HistoryFilterSchema }) filter: HistoryFilter) {
    const { before = 0, limit } = filter
    const { changes } = await this.bus.call(store.listDeviceChanges, { device, before, limit })
    return {
      changes: changes.map(({ seq, atMs, change, detailJson }) => ({
        seq,
        at: instant(atMs),
        change,
        detail: JSON.parse(detailJson) as Record<string, unknown>,
      })),
    }
  }

  @Post(':device/approval')
  @HttpCode(200)
  @Needs('devices:write')
  @ApiOperation({
    summary: 'Approve, quarantine or release a device',
    description:
      'Approving and releasing trust the device as it is seen now: its class, its serials and its addresses.',
  })
  @ApiParam({ name: 'device', description: 'Id or name' })
  @Answers(200, DeviceSchema, 'The device')
  @Problems('invalid-request', 'not-found', 'validation-failed', 'state-conflict')
  async judge(
    @From() caller: Caller,
    @Param('device') device: string,
    @Body({ schema: JudgementSchema }) { verdict, reason }: Judgement,
  ) {
    const request = { actor: actorOf(caller), device, verdict, reason }
    return shown((await this.bus.call(store.judgeDevice, request)).device)
  }

  @Patch(':device/offer')
  @Needs('devices:write')
  @ApiOperation({ summary: 'Say when a device is offered', description: 'Drain it, or give it a daily window.' })
  @ApiParam({ name: 'device', description: 'Id or name' })
  @Answers(200, DeviceSchema, 'The device')
  @Problems('invalid-request', 'not-found', 'validation-failed')
  async offer(
    @From() caller: Caller,
    @Param('device') device: string,
    @Body({ schema: OfferSchema }) { drained, window }: Offer,
  ) {
    const changes = [...(drained === undefined ? [] : ['drained']), ...(window === undefined ? [] : ['window'])]
    const request = { actor: actorOf(caller), device, changes, drained: drained ?? false, window: window ?? null }
    return shown((await this.bus.call(store.offerDevice, request)).device)
  }

  async #device(device: string): Promise<Device> {
    const found = (await this.bus.call(store.getDevice, { device })).device
    if (!found) throw new Problem('not-found', `There is no device "${device.slice(0, 80)}".`)
    return found
  }
}

function shown(device: Device | null | undefined): DeviceResource {
  invariant(device, 'a device that was decided about is there')
  return deviceResource(device)
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
  standing,
}: Device): DeviceResource {
  invariant(device, 'a known device has been seen')
  const { sighting } = device
  const window = standing?.window
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
    approval: approvalOf(standing?.approval),
    approvalReason: standing?.reason ?? '',
    approvalSince: instant(standing?.sinceMs ?? firstSeenMs),
    offered: standing?.offered ?? active,
    drained: standing?.drained ?? false,
    window: window ? { from: window.from, until: window.until, zone: window.zone } : null,
    source: sighting?.source ?? '',
    generation: sighting?.generation ?? '',
    firmware: sighting?.firmware ?? '',
    alsoAt: [...(sighting?.alsoAt ?? [])],
  }
}

/** A store from before there were approvals gives every device away. */
function approvalOf(word = 'approved'): DeviceResource['approval'] {
  return word === 'candidate' || word === 'quarantined' ? word : 'approved'
}
