import { Controller } from '@nestjs/common'
import { DEVICE_CLASSES, Problem } from '@lucihub/analog'
import {
  deviceClass,
  feeds,
  store,
  token,
  type ActiveDevice,
  type ActiveDeviceList,
  type Device,
  type GetDeviceReply,
  type GetDeviceRequest,
  type JudgeDeviceRequest,
  type ListDeviceChangesReply,
  type ListDeviceChangesRequest,
  type ListDevicesReply,
  type ListDevicesRequest,
  type OfferDeviceRequest,
  type SetDeviceSchemaReply,
  type SetDeviceSchemaRequest,
} from '@lucihub/contracts'
import { Answer, Consume, type Call, type Delivery } from '@lucihub/messaging'
import { Dispatcher } from '../execution/dispatcher.ts'
import { needActor, needOperator } from '../keys/scopes.ts'
import { DeviceApprovals } from './approvals.ts'
import { DeviceRepository } from './device-repository.ts'

@Controller()
export class DevicesHandler {
  constructor(
    private readonly devices: DeviceRepository,
    private readonly approvals: DeviceApprovals,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Answer(store.listDevices)
  async listDevices({ activeOnly }: ListDevicesRequest, _call: Call): Promise<ListDevicesReply> {
    return { devices: await this.devices.list({ activeOnly }) }
  }

  @Answer(store.getDevice)
  async getDevice({ device }: GetDeviceRequest, _call: Call): Promise<GetDeviceReply> {
    return { device: await this.shown(device) }
  }

  /** A device that is let in may be leased at the executor's next word. */
  @Answer(store.judgeDevice)
  async judgeDevice({ actor, device, verdict, reason }: JudgeDeviceRequest): Promise<GetDeviceReply> {
    const id = await this.approvals.judge(needOperator(actor), { device, verdict, reason })
    this.dispatcher.wake()
    return { device: await this.shown(id) }
  }

  @Answer(store.offerDevice)
  async offerDevice({ actor, device, changes, drained, window }: OfferDeviceRequest): Promise<GetDeviceReply> {
    const id = await this.approvals.offer(needOperator(actor), device, {
      ...(changes.includes('drained') && { drained }),
      ...(changes.includes('window') && {
        window: window ? { from: window.from, until: window.until, zone: window.zone } : null,
      }),
    })
    this.dispatcher.wake()
    return { device: await this.shown(id) }
  }

  @Answer(store.listDeviceChanges)
  async listDeviceChanges({ device, before, limit }: ListDeviceChangesRequest): Promise<ListDeviceChangesReply> {
    const { device: known } = await this.shown(device)
    return { changes: await this.approvals.changes(known?.id ?? '', { before, limit }) }
  }

  @Answer(store.setDeviceSchema)
  async setSchema({ actor, device, schemaJson }: SetDeviceSchemaRequest, _call: Call): Promise<SetDeviceSchemaReply> {
    const known = needActor(actor)
    if (known.role === 'user') throw new Problem('forbidden', 'Only an operator may do that.')
    await this.devices.setParameterSchema(known, device, schemaJson)
    return {}
  }

  /** A list replaces the one before it of the same scanner; a list with a device that cannot be is refused as a whole. */
  @Consume(feeds.activeDevices, { durable: 'run-store-devices' })
  async activeDevices(list: ActiveDeviceList, { subject }: Delivery): Promise<void> {
    const unique = new Map(list.devices.map((device) => [device.id, device]))
    for (const device of unique.values()) refuseMalformed(device)
    const scanner = subject.slice(subject.lastIndexOf('.') + 1)
    if (await this.devices.replace(scanner, { ...list, devices: [...unique.values()] })) this.dispatcher.wake()
  }

  private async shown(device: string): Promise<Device> {
    const found = await this.devices.show(device)
    if (!found) throw new Problem('not-found', `There is no device ${device.slice(0, 80)}.`)
    return found
  }
}

function refuseMalformed(device: ActiveDevice): void {
  token(device.id)
  const known = DEVICE_CLASSES.some((word) => deviceClass.toProto(word) === device.deviceClass)
  const { source = '', generation = '', firmware = '', alsoAt = [] } = device.sighting ?? {}
  const texts = [device.name, device.host, device.descriptionHash, source, generation, firmware, ...alsoAt]
  if (
    !known ||
    device.port > 65_535 ||
    texts.some((text) => text.includes('\0')) ||
    !device.description?.carriers.length
  )
    throw new Problem('invalid-request', `The device ${device.id} is not well described.`)
}
