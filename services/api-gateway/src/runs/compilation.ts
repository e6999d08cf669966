/** Compiling for a device that a request names, as dry run and submission both do. */
import {
  DEVICE_CLASSES,
  LUCIDAC,
  PORTABLE_CARRIER,
  Problem,
  invariant,
  lucidacDescription,
  presumedSpecification,
  specificationOf,
  violationsOf,
  type Configuration,
  type DeviceClass,
  type DeviceSpecification,
  type IntegratorRate,
} from '@lucihub/analog'
import {
  compilationFromProto,
  compiler,
  descriptionFromProto,
  descriptionToProto,
  deviceClass,
  store,
  type CompileReply,
  type DeviceDescriptionMessage,
} from '@lucihub/contracts'
import type { Bus } from '@lucihub/messaging'
import { diagnosticResource, type DiagnosticResource } from './diagnostic.schema.ts'

/** The compiler integrates a reference solution: a large program takes its time. */
const COMPILE_TIMEOUT_MS = 15_000

/** What is compiled for where a device does not say what it is, and for any simulator: the usual one is a LUCIDAC. */
export const STANDARD_DEVICE = descriptionToProto(lucidacDescription(PORTABLE_CARRIER))

/** The device a request names. */
export interface Target {
  readonly id: string
  readonly deviceClass: DeviceClass
  readonly description: DeviceDescriptionMessage | null
  readonly specification: DeviceSpecification
}

/** Looks the named device up. Throws `validation-failed` at `/device` when there is none. */
export async function targetOf(bus: Bus, device: string): Promise<Target> {
  const found = await findDevice(bus, device)
  const active = found?.device
  if (!active) {
    const violation = {
      pointer: '/device',
      value: device.slice(0, 80),
      message: 'There is no such device.',
      remedy: 'GET /api/v1/devices lists the devices.',
    }
    throw new Problem('validation-failed', `There is no device "${device.slice(0, 80)}".`, { violations: [violation] })
  }
  return {
    id: active.id,
    deviceClass: DEVICE_CLASSES.find((known) => deviceClass.toProto(known) === active.deviceClass) ?? 'LUCIDAC',
    description: active.description ?? null,
    specification: active.description ? specificationOf(descriptionFromProto(active.description)) : LUCIDAC,
  }
}

/**
 * The device that a stored configuration is read on: the one its run named, while it is known and the configuration
 * fits it; else the standard one it seems made for. Throws `not-acceptable` when it fits none.
 */
export async function specificationOfRun(
  bus: Bus,
  { deviceId, configuration }: { deviceId: string; configuration: Configuration },
): Promise<DeviceSpecification> {
  const description = deviceId === '' ? null : (await findDevice(bus, deviceId))?.device?.description
  const candidates = [
    ...(description ? [specificationOf(descriptionFromProto(description))] : []),
    presumedSpecification(configuration),
  ]
  const fitting = candidates.find((device) => violationsOf(configuration, device).length === 0)
  if (!fitting)
    throw new Problem('not-acceptable', 'The configuration fits no known device: it is available as JSON only.')
  return fitting
}

/** Null when the store knows no such device. */
async function findDevice(bus: Bus, device: string) {
  try {
    return (await bus.call(store.getDevice, { device })).device ?? null
  } catch (failure) {
    if (failure instanceof Problem && failure.type === 'not-found') return null
    throw failure
  }
}

export interface Compiled {
  readonly reply: CompileReply
  readonly diagnostics: readonly DiagnosticResource[]
}

/** Compiles. Errors in the program are in the diagnostics; then the reply has no configuration. */
export async function compile(
  bus: Bus,
  program: {
    source: string
    /** Null: the smallest machine that fits. */
    description: DeviceDescriptionMessage | null
    opTimeNs: number
    k0: IntegratorRate | undefined
  },
): Promise<Compiled> {
  const { source, description, opTimeNs, k0 = 0 } = program
  const request = { source, device: description, opTimeNs, k0 }
  const reply = await bus.call(compiler.compile, request, { timeoutMs: COMPILE_TIMEOUT_MS })
  const { diagnostics, result } = compilationFromProto(reply)
  invariant(
    result !== null || diagnostics.some(({ severity }) => severity === 'error'),
    'a compilation without a result says why',
  )
  return { reply, diagnostics: diagnostics.map((diagnostic) => diagnosticResource(diagnostic, source)) }
}
