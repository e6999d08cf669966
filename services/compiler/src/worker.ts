/** The thread that compiles: one job at a time, nothing kept. A bundle of its own, `compiler-worker.mjs`. */
import { parentPort } from 'node:worker_threads'
import { invariant } from '@lucihub/analog'
import { compile, compileForAny } from '@lucihub/analang'
import type { CompileJob, WorkerAnswer } from './compile-job.ts'

invariant(parentPort, 'this file runs as a worker thread')
const port = parentPort

port.on('message', (job: CompileJob) => port.postMessage(answer(job)))

function answer({ source, device, opTimeNs, k0 }: CompileJob): WorkerAnswer {
  const before = performance.now()
  try {
    const options = { opTimeNs, ...(k0 !== null && { k0 }) }
    const { diagnostics, result } = device ? compile(source, { ...options, device }) : compileForAny(source, options)
    const compileTimeMs = performance.now() - before
    return {
      kind: 'compiled',
      diagnostics,
      result: result && { ...result, report: { ...result.report, compileTimeMs } },
    }
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('call stack')) return { kind: 'too-deep' }
    return { kind: 'crashed', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
