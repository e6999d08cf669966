/** Devices that announce themselves, as a source. Anybody may announce, so there is a bound, and no way out of the site. */
import { Logger } from '@nestjs/common'
import { browse, type Closable, type FoundDevice } from '@lucihub/device'
import { ownAddresses } from './own-addresses.ts'
import { isPrivate } from './subnet.ts'

/** Announcements kept at a time. */
export const ANNOUNCED_MAX = 256

export class Announced implements Closable {
  private readonly log = new Logger('Announced')
  private readonly devices = new Map<string, FoundDevice>()
  private readonly browser: Closable
  private refused = 0

  /** `networkInterface`: IPv4 address of the only interface to listen on; empty for all. */
  constructor({ networkInterface, publicToo }: { readonly networkInterface: string; readonly publicToo: boolean }) {
    this.browser = browse({
      ...(networkInterface && { networkInterface }),
      onUp: (device) => this.take(device, { publicToo }),
      onDown: ({ name }) => this.devices.delete(name),
      onProblem: (problem) => this.log.warn(problem.message),
    })
  }

  candidates(): readonly FoundDevice[] {
    return [...this.devices.values()]
  }

  close(): Promise<void> {
    return this.browser.close()
  }

  private take(device: FoundDevice, { publicToo }: { readonly publicToo: boolean }): void {
    const full = this.devices.size >= ANNOUNCED_MAX && !this.devices.has(device.name)
    const abroad = !publicToo && !isPrivate(device.host) && !ownAddresses().has(device.host)
    if (!full && !abroad) return void this.devices.set(device.name, device)
    this.refused += 1
    // Once is enough for the log: who floods us shall not flood it too.
    if (this.refused > 1) return
    const why = full ? `${ANNOUNCED_MAX} are known already` : `${device.host} is not an address of this site`
    this.log.warn(`An announcement is passed over: ${why}.`)
  }
}
