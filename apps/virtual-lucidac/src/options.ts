/** The command line. */
import { BACKPLANE_PLACES, isMac, Problem } from '@lucihub/analog'
import { GENERATIONS, MISBEHAVIOURS, parseMisbehaviour, type Generation, type Misbehaviour } from '@lucihub/device'
import { IDEAL, REALISTIC, type Imperfections } from '@lucihub/simulation'
import { Command, InvalidArgumentError, Option } from 'commander'
import { createHash } from 'node:crypto'

export interface Options {
  /** Address to listen on. */
  readonly host: string
  /** Of the first device; 0 for any free ports. */
  readonly port: number
  /** Of the first device. */
  readonly mac: string
  /** Of the devices, with `-2`, `-3`, … after the first; empty: each by its MAC address. */
  readonly name: string
  readonly count: number
  readonly pace: 'real-time' | 'fast'
  readonly imperfections: Imperfections
  readonly simulator: boolean
  readonly mdns: boolean
  /** The protocol that the devices speak. */
  readonly generation: Generation
  readonly kind: Kind
  /** Of a REDAC; 1 for the other kinds. */
  readonly carriers: number
  /** Give run data as datagrams to clients that ask for it. */
  readonly udp: boolean
  /** Bytes that wait for a slow reader before a run fails; null: the device waits for the reader. */
  readonly daqBufferBytes: number | null
  /** Bearer token that a REDAC's proxy asks for; empty: none. */
  readonly token: string
  /** The longest silence of a session with a REDAC's proxy, s. */
  readonly sessionTimeoutS: number
  readonly misbehaviours: readonly Misbehaviour[]
}

/**
 * What is simulated: one cluster with multipliers; three clusters with multiply-divide-root blocks and a T block; or
 * several of those on a backplane, presented by a proxy.
 */
export const KINDS = ['lucidac', 'mredac', 'redac'] as const
export type Kind = (typeof KINDS)[number]

/** Devices of one process: each has its own port and computes on the same core. */
const COUNT_MAX = 64

const SESSION_TIMEOUT_S_MAX = 86_400
const DAQ_BUFFER_BYTES_MAX = 2 ** 30

const MODES = Object.entries(MISBEHAVIOURS).map(([mode, { argument, meaning }]) => {
  const shown = argument ? `${mode}=<${argument.name}>` : mode
  return `  ${shown.padEnd(26)}${meaning}${argument ? ` (${argument.default})` : ''}`
})

const EXAMPLES = `
Misbehaviours, with their usual arguments:
${MODES.join('\n')}

Examples:
  virtual-lucidac                                     one device on 127.0.0.1:5732, in real time
  virtual-lucidac --noise realistic --seed 7          with the errors of a machine, the same each time
  virtual-lucidac --pace fast --class simulator       computes as fast as it can; announced as a simulator
  virtual-lucidac --generation json-lines             as a device with firmware 1.x, for lucipy
  virtual-lucidac --kind mredac                       three clusters and a T block
  virtual-lucidac --kind redac --carriers 7           a full stack behind a proxy
  virtual-lucidac --udp --misbehave udp-loss=0.01     streams datagrams and loses one in a hundred
  virtual-lucidac --misbehave never-done              never says that a run is over
  virtual-lucidac --count 4 --port 6000               four devices, on ports 6000 to 6003
  virtual-lucidac --host 0.0.0.0 --mdns               to be found by the programs of a network

Each device prints one line when it is ready:
  {"event":"listening","host":"127.0.0.1","port":5732,"mac":"02-4C-48-1B-6E-05","name":"lucidac-1B-6E-05"}
`

/** Reads the arguments. Help, or what is wrong with them, is printed, and ends the process by way of `command`. */
export function readOptions(args: readonly string[], command = new Command()): Options {
  command
    .name('virtual-lucidac')
    .description('A LUCIDAC in software: a simulated analog computer behind the device protocol.')
    .option('--port <port>', 'TCP port of the first device; 0 for any free one', integer({ min: 0, max: 65_535 }), 5732)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--mac <mac>', 'MAC address of the first device (default: derived from its name or port)', mac)
    .option('--name <name>', 'name of the device (default: lucidac- and the end of its MAC address)', '')
    .option(
      '--count <n>',
      'number of devices, on consecutive ports and MAC addresses',
      integer({ min: 1, max: COUNT_MAX }),
      1,
    )
    .addOption(new Option('--pace <pace>', 'how op time passes').choices(['real-time', 'fast']).default('real-time'))
    .option('--noise <level>', 'ideal, realistic, or the ADC noise in machine units', noise, IDEAL)
    .option('--seed <n>', 'seed of all errors and noise', integer({ min: 0, max: 2 ** 31 - 1 }), 1)
    .addOption(
      new Option('--class <class>', 'what it announces itself as').choices(['lucidac', 'simulator']).default('lucidac'),
    )
    .addOption(new Option('--generation <name>', 'the protocol it speaks').choices(GENERATIONS).default('protobuf'))
    .addOption(new Option('--kind <kind>', 'what it is').choices(KINDS).default('lucidac'))
    .option('--carriers <n>', 'carriers of a REDAC', integer({ min: 2, max: BACKPLANE_PLACES }), 3)
    .option('--udp', 'give run data as datagrams to clients that ask for it', false)
    .option(
      '--daq-buffer <bytes>',
      'fail with a DMA overflow when so much waits for a slow reader (default: wait for the reader)',
      integer({ min: 1, max: DAQ_BUFFER_BYTES_MAX }),
    )
    .option('--token <token>', "bearer token that a REDAC's proxy asks for (default: none)", '')
    .option(
      '--session-timeout <s>',
      "the longest silence of a session with a REDAC's proxy",
      integer({ min: 1, max: SESSION_TIMEOUT_S_MAX }),
      10,
    )
    .option('--misbehave <mode[=argument]>', 'depart from the protocol; see below; may be repeated', misbehaviour, [])
    .option('--mdns', 'announce the devices by mDNS', false)
    .option('--no-mdns', 'do not announce them (the default)')
    .addHelpText('after', EXAMPLES)
    .parse([...args], { from: 'user' })
  const given = command.opts<Given>()
  const protobufOnly = given.kind !== 'lucidac' || given.udp || given.misbehave.length > 0 || given.daqBuffer
  if (given.generation === 'json-lines' && protobufOnly)
    command.error("error: option '--generation json-lines' is a LUCIDAC without --udp, --daq-buffer and --misbehave.")
  return {
    host: given.host,
    port: given.port,
    mac: given.mac ?? macFor(given.name === '' ? `port ${given.port}` : given.name),
    name: given.name,
    count: given.count,
    pace: given.pace,
    imperfections: { ...given.noise, seed: given.seed },
    simulator: given.class === 'simulator',
    mdns: given.mdns,
    generation: given.generation,
    kind: given.kind,
    carriers: given.kind === 'redac' ? given.carriers : 1,
    udp: given.udp,
    daqBufferBytes: given.daqBuffer ?? null,
    token: given.token,
    sessionTimeoutS: given.sessionTimeout,
    misbehaviours: given.misbehave,
  }
}

interface Given {
  readonly port: number
  readonly host: string
  readonly mac?: string
  readonly name: string
  readonly count: number
  readonly pace: 'real-time' | 'fast'
  readonly noise: Imperfections
  readonly seed: number
  readonly class: 'lucidac' | 'simulator'
  readonly mdns: boolean
  readonly generation: Generation
  readonly kind: Kind
  readonly carriers: number
  readonly udp: boolean
  readonly daqBuffer?: number
  readonly token: string
  readonly sessionTimeout: number
  readonly misbehave: readonly Misbehaviour[]
}

/** A locally administered address that stays the same for the same name, so that a device keeps its identity. */
function macFor(identity: string): string {
  const digest = createHash('sha256').update(identity).digest()
  return ['02', '4C', '48', ...[...digest.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0'))]
    .join('-')
    .toUpperCase()
}

/** The address `steps` further on, within its last three bytes. */
export function macAfter({ mac: first, steps }: { mac: string; steps: number }): string {
  const bytes = first.split('-')
  const number = (Number.parseInt(bytes.slice(3).join(''), 16) + steps) % 2 ** 24
  const digits = number.toString(16).padStart(6, '0').toUpperCase()
  return [...bytes.slice(0, 3), digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].join('-')
}

function integer({ min, max }: { min: number; max: number }): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`Use ${min} to ${max}.`)
    return value
  }
}

function misbehaviour(text: string, before: readonly Misbehaviour[]): readonly Misbehaviour[] {
  try {
    return [...before, parseMisbehaviour(text)]
  } catch (thrown) {
    throw new InvalidArgumentError(Problem.from(thrown).message)
  }
}

function mac(text: string): string {
  const upper = text.toUpperCase().replaceAll(':', '-')
  if (!isMac(upper)) throw new InvalidArgumentError('Use six bytes, as in 04-E9-E5-15-87-A0.')
  return upper
}

function noise(text: string): Imperfections {
  if (text === 'ideal') return IDEAL
  if (text === 'realistic') return REALISTIC
  const sigma = Number(text)
  if (text.trim() === '' || !(sigma >= 0 && sigma <= 1))
    throw new InvalidArgumentError('Use ideal, realistic, or 0 to 1.')
  return { ...IDEAL, noise: sigma }
}
