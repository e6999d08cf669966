/**
 * A bounded pool of threads for a pure function that a hostile program could make run for ever or eat all
 * memory: each job has a thread for itself, a time limit and a heap limit. A thread that breaks a limit is
 * terminated, which is the only way to stop it, and the next job gets a new one. What waits is bounded too.
 */
import { Worker } from 'node:worker_threads'
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { Problem, type Compilation } from '@lucihub/analog'
import { gauge, histogram } from '@lucihub/service-kit'
import type { CompileJob, WorkerAnswer } from './compile-job.ts'
import { COMPILER_CONFIG, type CompilerConfig } from './config.ts'

/** Heap of one thread, MB. */
const HEAP_MB = 256
/** Jobs that may wait; beyond, callers are told to come again. */
const QUEUE_MAX = 64
/** What they are told, s. */
const RETRY_AFTER_S = 1

const waitingJobs = gauge('lucihub_compiler_waiting', 'Programs waiting for a thread')
const compileSeconds = histogram('lucihub_compiler_seconds', 'Time of one compilation in its thread', ['outcome'])

interface Task {
  readonly job: CompileJob
  resolve(compilation: Compilation): void
  reject(problem: Problem): void
}

/** A thread and what it is doing. */
interface Seat {
  readonly worker: Worker
  busy: boolean
}

@Injectable()
export class CompilePool implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('CompilePool')
  private readonly seats = new Set<Seat>()
  private readonly queue: Task[] = []

  constructor(@Inject(COMPILER_CONFIG) private readonly config: CompilerConfig) {}

  /** Threads are started before the first program needs them. */
  onApplicationBootstrap(): void {
    while (this.seats.size < this.config.workers) this.seat()
  }

  async onApplicationShutdown(): Promise<void> {
    for (const task of this.queue.splice(0)) task.reject(new Problem('unavailable', 'The compiler is stopping.'))
    await Promise.all([...this.seats].map(({ worker }) => worker.terminate()))
  }

  /**
   * Compiles in a thread. Rejects with `compilation-failed` when a limit was broken, `too-many-requests`
   * when too much is waiting, `internal` when the compiler itself failed.
   */
  compile(job: CompileJob): Promise<Compilation> {
    if (this.queue.length >= QUEUE_MAX) {
      const detail = `${QUEUE_MAX} programs are waiting to be compiled already.`
      return Promise.reject(new Problem('too-many-requests', detail, { retryAfterS: RETRY_AFTER_S }))
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ job, resolve, reject })
      this.pump()
    })
  }

  private pump(): void {
    for (;;) {
      const task = this.queue[0]
      const seat =
        task &&
        ([...this.seats].find(({ busy }) => !busy) ?? (this.seats.size < this.config.workers ? this.seat() : null))
      if (!seat) break
      this.queue.shift()
      void this.work(seat, task)
    }
    waitingJobs.set(this.queue.length)
  }

  private async work(seat: Seat, task: Task): Promise<void> {
    seat.busy = true
    const stopClock = compileSeconds.startTimer()
    try {
      const compilation = await this.ask(seat, task.job)
      stopClock({ outcome: compilation.result ? 'compiled' : 'refused' })
      task.resolve(compilation)
    } catch (error) {
      stopClock({ outcome: 'failed' })
      task.reject(Problem.from(error))
    }
    seat.busy = false
    this.pump()
  }

  private async ask(seat: Seat, job: CompileJob): Promise<Compilation> {
    const { worker } = seat
    const { compileTimeoutMs } = this.config
    const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
      const timer = setTimeout(() => {
        over()
        this.seats.delete(seat)
        void worker.terminate()
        reject(
          new Problem('compilation-failed', `The program takes longer than ${compileTimeoutMs / 1000} s to compile.`),
        )
      }, compileTimeoutMs)
      const over = () => {
        clearTimeout(timer)
        worker.off('message', onAnswer).off('error', onError).off('exit', onExit)
      }
      const onAnswer = (message: WorkerAnswer) => (over(), resolve(message))
      const onError = (error: Error) => (over(), this.seats.delete(seat), reject(problemOf(error)))
      const onExit = () => (over(), reject(new Problem('unavailable', 'The compiler was stopped.')))
      worker.on('message', onAnswer).on('error', onError).on('exit', onExit).postMessage(job)
    })
    switch (answer.kind) {
      case 'compiled':
        return { diagnostics: answer.diagnostics, result: answer.result }
      case 'too-deep':
        throw new Problem('compilation-failed', 'The program is nested too deeply.')
      case 'crashed':
        this.log.error(`the compiler failed: ${answer.stack}`)
        throw new Problem('internal', 'The compiler failed; the reason was logged.')
    }
  }

  /** A new thread; it leaves its seat when it ends, for whatever reason. */
  private seat(): Seat {
    const worker = new Worker(this.config.workerFile, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } })
    const seat = { worker, busy: false }
    this.seats.add(seat)
    worker.on('error', (error) => this.log.warn(`a compiler thread ended: ${String(error)}`))
    worker.on('exit', () => this.seats.delete(seat))
    return seat
  }
}

function problemOf(error: Error & { code?: string }): Problem {
  if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY')
    return new Problem('internal', 'The compiler failed; the reason was logged.', { cause: error })
  return new Problem('compilation-failed', `The program needs more than ${HEAP_MB} MB to compile.`)
}
