/** What a configuration takes of a device, counted as a compile report counts. */
import { CLANES, M_BLOCK_WIDTH, type Configuration, type DeviceSpecification, type ElementUse } from '@lucihub/analog'
import { IDEAL, networkOf } from '@lucihub/simulation'
import { computingGroups } from './decompile.ts'

/** Elements, lanes and ADC channels. Expects a configuration that fits the device. */
export function elementUse(configuration: Configuration, specification: DeviceSpecification): ElementUse[] {
  const { carriers, lanes, adcChannels } = specification
  const clusters = carriers.flatMap((carrier) => carrier.clusters)
  const network = networkOf(configuration, specification, IDEAL)
  const blocks = (...types: string[]): number =>
    clusters.reduce((sum, { slots }) => sum + slots.filter((type) => type && types.includes(type)).length, 0)
  const isMultiplier = ({ output }: { readonly output: number }): boolean =>
    (output % CLANES) % M_BLOCK_WIDTH < M_BLOCK_WIDTH / 2
  const computing = computingGroups(network).flatMap(({ elements }) => elements)
  return [
    { kind: 'integrator', used: network.integrators.length, available: blocks('MINT') * M_BLOCK_WIDTH },
    { kind: 'multiplier', used: computing.filter(isMultiplier).length, available: blocks('MMUL', 'MDR') * 4 },
    {
      kind: 'identity',
      used: computing.filter((one) => !isMultiplier(one)).length,
      available: blocks('MMUL', 'MDR') * 4,
    },
    { kind: 'lane', used: lanesOf(configuration), available: clusters.length * lanes },
    {
      kind: 'ADC channel',
      used: configuration.carriers.reduce((sum, { adc }) => sum + adc.length, 0),
      available: adcChannels * carriers.length,
    },
  ]
}

function lanesOf({ carriers }: Configuration): number {
  return carriers.reduce((sum, { clusters }) => sum + clusters.reduce((all, { lanes }) => all + lanes.length, 0), 0)
}
