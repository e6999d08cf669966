import { Controller } from '@nestjs/common'
import { DEVICE_CLASSES, Problem } from '@lucihub/analog'
import {
  deviceClass,
  feeds,
  store,
  token,
  type ActiveDevice,
  type ActiveDeviceList,
  type GetDeviceReply,
  type GetDeviceRequest,
  type ListDevicesReply,
  type ListDevicesRequest,
  type SetDeviceSchemaReply,
  type SetDeviceSchemaRequest,
} from '@lucihub/contracts'
import { Answer, Consume, type Call, type Delivery } from '@lucihub/messaging'
import { Dispatcher } from '../execution/dispatcher.ts'
import { needActor } from '../keys/scopes.ts'
import { DeviceRepository } from './device-repository.ts'

@Controller()
export class DevicesHandler {
  constructor(
    private readonly devices: DeviceRepository,
    private readonly dispatcher: Dispatcher,
  ) {}

  @Answer(store.listDevices)
  async listDevices({ activeOnly }: ListDevicesRequest, _call: Call): Promise<ListDevicesReply> {
    return { devices: await this.devices.list({ activeOnly }) }
  }

  @Answer(store.getDevice)
  async getDevice({ device }: GetDeviceRequest, _call: Call): Promise<GetDeviceReply> {
    const found = await this.devices.show(device)
    if (!found) throw new Problem('not-found', `There is no device ${device.slice(0, 80)}.`)
    return { device: found }
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
}

function refuseMalformed(device: ActiveDevice): void {
  token(device.id)
  const known = DEVICE_CLASSES.some((word) => deviceClass.toProto(word) === device.deviceClass)
  const texts = [device.name, device.host, device.descriptionHash]
  if (
    !known ||
    device.port > 65_535 ||
    texts.some((text) => text.includes('\0')) ||
    !device.description?.carriers.length
  )
    throw new Problem('invalid-request', `The device ${device.id} is not well described.`)
}
