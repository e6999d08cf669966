/**
 * The device that all clients of a server share: the machine of the protobuf server, with what this generation adds:
 * a circuit that is set part by part, a queue of runs, a mode set by hand, and values held after a run. Like the
 * real device it does not ask who commands it.
 */
import {
  deviceIdOf,
  invariant,
  Problem,
  RUN_LIMITS,
  type AnalogComputer,
  type OverloadStatus,
  type RunRequest,
  type Violation,
} from '@lucihub/analog'
import { readCircuitJson } from '../codec/circuit-json.ts'
import { encodeConfiguration } from '../codec/configuration.ts'
import { Machine } from '../server/machine.ts'
import { anabrid, type Item, type Module } from '../wire/messages.ts'
import { tellRun, type LineRun } from './run-lines.ts'
import { withPart } from './circuit-tree.ts'
import type { JsonLinesMode } from './client.ts'
import type { Fields } from './replies.ts'

/** Runs that may wait for their turn. */
const QUEUE_MAX = 16
/** IC of a look at the circuit, ns. */
const LOOK_IC_NS = 100_000

export interface LineMachineOptions {
  readonly computer: AnalogComputer
  readonly allPhases: boolean
  /** Tells every client a line of a run; resolves when more may follow. */
  readonly tell: (line: string, run: LineRun) => Promise<void>
}

export class LineMachine {
  readonly machine: Machine
  readonly #options: LineMachineOptions
  #circuit: Fields = {}
  #queue: LineRun[] = []
  #driving: Promise<void> | null = null
  /** Of the run whose turn it is or will be next. */
  #abort = new AbortController()
  #mode: JsonLinesMode = 'ic'
  #modeSinceMs = 0
  /** Outputs after the last run or halt; null once the circuit has changed. */
  #held: Float32Array | null = null

  constructor(options: LineMachineOptions) {
    this.#options = options
    this.machine = new Machine(options.computer)
  }

  /** The document that was set, part by part, since the last reset. */
  get circuit(): Fields {
    return this.#circuit
  }

  get isRunning(): boolean {
    return this.#driving !== null
  }

  /** Clears what is asked for. */
  async reset({ circuit, overload }: { circuit: boolean; overload: boolean }): Promise<void> {
    const { items } = this.machine
    if (!circuit && !overload) return
    await this.machine.reset()
    this.#held = null
    if (circuit) this.#circuit = {}
    else await this.machine.load({ items, resetBefore: true })
  }

  /** Sets a part of the circuit. Throws a Problem `validation-failed`; the circuit then stays as it was. */
  async setPart(options: { path: readonly string[]; config: Fields; resetBefore: boolean }): Promise<void> {
    const { path, config, resetBefore } = options
    const circuit = withPart(resetBefore ? {} : this.#circuit, path, config)
    const { configuration, violations } = readCircuitJson(circuit)
    if (!configuration) throw new Problem('validation-failed', listed(violations), { violations })
    const items = itemsOf(encodeConfiguration(configuration, await this.machine.describe()))
    if (resetBefore) await this.machine.reset()
    await this.machine.load({ items, resetBefore: true })
    this.#circuit = circuit
    this.#held = null
  }

  /** Puts a run at the end of the queue. Throws a Problem `unavailable` when that is full. */
  enqueue(run: LineRun): void {
    if (this.#queue.length >= QUEUE_MAX) throw new Problem('unavailable', `${QUEUE_MAX} runs are waiting already.`)
    this.#queue.push(run)
  }

  /** Begins with what waits, unless it has begun; called behind the reply, which comes before any word of the run. */
  begin(): void {
    this.#driving ??= this.#drive().finally(() => (this.#driving = null))
  }

  clearQueue(): void {
    this.#queue = []
  }

  stop(): void {
    this.clearQueue()
    this.#abort.abort()
  }

  setMode(mode: JsonLinesMode): Promise<void> {
    return this.machine.inTurn(async () => {
      if (mode === 'halt' && this.#mode === 'op') this.#held = await this.#look()
      if (mode === 'ic' || mode === 'op') this.#held = null
      this.#mode = mode
      this.#modeSinceMs = performance.now()
    })
  }

  /** What all outputs hold now. */
  outputs(): Promise<Float32Array> {
    return this.machine.inTurn(async () => this.#held ?? (await this.#look()))
  }

  /** The probes by channel, as the circuit lists its channels. */
  columns(): (number | null)[] {
    const channels = this.#circuit['adc_channels']
    let probe = 0
    return (Array.isArray(channels) ? channels : []).map((channel) => (typeof channel === 'number' ? probe++ : null))
  }

  /** The outputs by channel. */
  channelOutputs(): (number | null)[] {
    const channels = this.#circuit['adc_channels']
    return (Array.isArray(channels) ? channels : []).map((channel) => (typeof channel === 'number' ? channel : null))
  }

  overload(): Promise<OverloadStatus> {
    return this.#options.computer.overload()
  }

  /** A run that ends where the circuit is now: at the initial conditions (the shortest OP is 100 ns), or so long after them as it has been computing. */
  async #look(): Promise<Float32Array> {
    const { min, max } = RUN_LIMITS.opTimeNs
    const sinceNs = this.#mode === 'op' ? Math.round((performance.now() - this.#modeSinceMs) * 1e6) : min
    const request: RunRequest = {
      id: 'look',
      icTimeNs: LOOK_IC_NS,
      opTimeNs: Math.min(max, Math.max(min, sinceNs)),
      sampleRateHz: RUN_LIMITS.sampleRateHz.min,
      haltOnOverload: false,
      finalValues: true,
    }
    for await (const event of this.#options.computer.run(request)) if (event.kind === 'final') return event.values
    throw new Problem('device-failed', 'The circuit has no values now.')
  }

  async #drive(): Promise<void> {
    for (let run = this.#queue.shift(); run; run = this.#queue.shift()) {
      const next = run
      this.#abort = new AbortController()
      const last = await this.machine.inTurn(() => this.#run(next))
      await this.#options.tell(last, next)
    }
  }

  async #run(run: LineRun): Promise<string> {
    const { machine } = this
    const abort = this.#abort
    machine.active = { id: run.request.id, abort }
    try {
      return await tellRun({
        run,
        computer: machine.computer,
        mac: deviceIdOf(await machine.describe()),
        columns: this.columns(),
        allPhases: this.#options.allPhases,
        signal: abort.signal,
        onFinal: (values) => (this.#held = values.slice()),
        tell: (line) => this.#options.tell(line, run),
      })
    } finally {
      machine.totals.runs += 1
      machine.totals.icTimeNs += run.request.icTimeNs
      machine.totals.opTimeNs += run.request.opTimeNs
      machine.active = null
    }
  }
}

/** A configuration's items as the machine takes them: as they would have come over the other wire. */
function itemsOf(module: anabrid.Module.$Properties): readonly Item[] {
  const received = anabrid.Module.decode(anabrid.Module.encode(module).finish()) as Module
  invariant(received.items.length === (module.items ?? []).length, 'a module is read as it was written')
  return received.items
}

/** Violations that are told of one circuit. */
const LISTED_MAX = 5

function listed(violations: readonly Violation[]): string {
  const told = violations.slice(0, LISTED_MAX).map(({ pointer, value, message }) => `${pointer} = ${value}: ${message}`)
  return told.join(' ')
}
