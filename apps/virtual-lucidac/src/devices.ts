/** The devices of this process: a simulated computer each, behind the wire protocol. */
import {
  lucidacDescription,
  mredacDescription,
  redacDescription,
  type DeviceClass,
  type DeviceDescription,
  type Problem,
} from '@lucihub/analog'
import {
  advertise,
  mdnsNameOf,
  serveDevice,
  serveJsonLines,
  type DeviceServer,
  type ServeOptions,
} from '@lucihub/device'
import { fastPace, realTimePace, SimulatedComputer, type Pace } from '@lucihub/simulation'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { macAfter, type Options } from './options.ts'

/** A device that is ready. */
export interface ListeningDevice {
  readonly host: string
  readonly port: number
  readonly mac: string
  readonly name: string
}

export interface DeviceHooks {
  readonly onListening: (device: ListeningDevice) => void
  /** A client that broke the protocol, or an announcement that is not possible. */
  readonly onProblem: (problem: { name: string; message: string }) => void
}

export interface Devices {
  readonly devices: readonly ListeningDevice[]
  /** Says goodbye and closes every connection. */
  close(): Promise<void>
}

/** Starts all devices. Rejects with a Problem, and leaves none behind, when one of them cannot listen. */
export async function startDevices(options: Options, hooks: DeviceHooks): Promise<Devices> {
  const started: { device: ListeningDevice; close: () => Promise<void> }[] = []
  const close = async () => void (await Promise.all(started.map((one) => one.close())))
  try {
    for (let index = 0; index < options.count; index++) {
      const one = await startDevice(options, index, hooks.onProblem)
      started.push(one)
      hooks.onListening(one.device)
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { devices: started.map(({ device }) => device), close }
}

async function startDevice(options: Options, index: number, onProblem: DeviceHooks['onProblem']) {
  const macs = Array.from({ length: options.carriers }, (_, carrier) =>
    macAfter({ mac: options.mac, steps: index * options.carriers + carrier }),
  )
  const [mac = options.mac] = macs
  const name = options.name === '' ? mdnsNameOf(mac) : index === 0 ? options.name : `${options.name}-${index + 1}`
  const report = ({ message }: Problem) => onProblem({ name, message })
  const { imperfections } = options
  const computer = new SimulatedComputer({
    description: describe(options.kind, macs),
    // No two devices of a process have the same errors.
    imperfections: { ...imperfections, seed: imperfections.seed + index },
    pace: paceOf(options.pace),
  })
  const port = options.port === 0 ? 0 : options.port + index
  const endpoint = { computer, host: options.host, port, onProblem: report }
  const server: DeviceServer =
    options.generation === 'json-lines'
      ? await serveJsonLines(endpoint)
      : await serveDevice({ ...endpoint, ...behaviour(options), seed: imperfections.seed + index })
  const device: ListeningDevice = { host: server.host, port: server.port, mac, name }
  const txt = { class: classOf(options), mac }
  const announcement = options.mdns ? advertise({ name, port: server.port, txt, onProblem: report }) : null
  const close = async () => {
    await announcement?.close()
    await server.close()
  }
  return { device, close }
}

function describe(kind: Options['kind'], macs: readonly string[]): DeviceDescription {
  const [mac = ''] = macs
  switch (kind) {
    case 'lucidac':
      return lucidacDescription(mac)
    case 'mredac':
      return mredacDescription(mac)
    case 'redac':
      return redacDescription(macs)
  }
}

function behaviour({
  kind,
  udp,
  daqBufferBytes,
  token,
  sessionTimeoutS,
  misbehaviours,
}: Options): Partial<ServeOptions> {
  const proxy = { sessionTimeoutMs: sessionTimeoutS * 1000, ...(token === '' ? {} : { token }) }
  return {
    datagrams: udp,
    misbehaviours,
    ...(kind === 'redac' ? { proxy } : {}),
    ...(daqBufferBytes === null ? {} : { daqBufferBytes }),
  }
}

function classOf({ simulator, kind }: Options): DeviceClass {
  if (simulator) return 'SIMULATOR'
  return kind === 'lucidac' ? 'LUCIDAC' : 'REDAC'
}

/** Both let the event loop turn, so that a run can be stopped. */
function paceOf(pace: Options['pace']): Pace {
  switch (pace) {
    case 'fast':
      return fastPace(() => turn())
    case 'real-time':
      // Below a millisecond a timer would be late by as much as it waits.
      return realTimePace({ nowMs: () => performance.now(), sleep: (ms) => (ms < 1 ? turn() : sleep(ms)) })
  }
}
