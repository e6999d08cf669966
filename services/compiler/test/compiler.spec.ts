/** The real compiler service on a real NATS, with its worker bundled as the build does it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LUCIDAC, Problem, lucidacDescription, type Compilation } from '@lucihub/analog'
import { compile } from '@lucihub/analang'
import { compilationFromProto, compiler, descriptionToProto, type CompileRequest } from '@lucihub/contracts'
import { start, type RunningService } from '@lucihub/service-kit'
import { privateNats, type PrivateServer } from '@lucihub/testing'
import { compilerService } from '../src/compiler.module.ts'
import type { CompilerConfig } from '../src/config.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const LORENZ = readFileSync(at('../../../examples/lorenz.ana'), 'utf8')
/** For a machine that does much else; nothing here is about speed. */
const CALL_TIMEOUT_MS = 30_000

let nats: PrivateServer
let folder: string
let services: RunningService[] = []

beforeAll(async () => {
  nats = await privateNats()
  folder = mkdtempSync(join(tmpdir(), 'lucihub-compiler-'))
  // A thread runs no TypeScript. In a process of its own, because the bundler does not know the objects of jest's realm.
  const rolldown = at('../../../node_modules/rolldown/bin/cli.mjs')
  execFileSync(
    process.execPath,
    [
      rolldown,
      at('../src/worker.ts'),
      '--platform',
      'node',
      '--format',
      'esm',
      '--file',
      join(folder, 'compiler-worker.mjs'),
    ],
    { stdio: 'pipe' },
  )
}, 60_000)

afterEach(async () => {
  await Promise.all(services.map((service) => service.close()))
  services = []
})

afterAll(async () => {
  await nats.stop()
  rmSync(folder, { recursive: true })
})

async function started(more: Partial<CompilerConfig> = {}): Promise<RunningService> {
  const service = await start(
    compilerService({
      natsUrl: nats.url,
      healthPort: 0,
      logLevel: 'silent',
      workers: 1,
      compileTimeoutMs: 25_000,
      workerFile: join(folder, 'compiler-worker.mjs'),
      ...more,
    }),
  )
  services.push(service)
  return service
}

function request(source: string, more: Partial<CompileRequest> = {}): CompileRequest {
  return { source, opTimeNs: 1e9, k0: 0, device: null, ...more }
}

async function compiled(
  { bus }: RunningService,
  asked: CompileRequest,
  timeoutMs = CALL_TIMEOUT_MS,
): Promise<Compilation> {
  return compilationFromProto(await bus.call(compiler.compile, asked, { timeoutMs }))
}

/** A thread that answers everything with nothing, but does what is written to the program `spoil` first. */
function spoiled(name: string, spoil: string): string {
  const workerFile = join(folder, `${name}.mjs`)
  writeFileSync(
    workerFile,
    `import { existsSync } from 'node:fs'
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ source }) => {
      if (source === 'spoil') { ${spoil} }
      parentPort.postMessage({ kind: 'compiled', diagnostics: [], result: null })
    })`,
  )
  return workerFile
}

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  return work.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => Problem.from(error),
  )
}

test('a program is compiled for any LUCIDAC, and for the one that is named', async () => {
  const service = await started()
  const anywhere = await compiled(service, request(LORENZ))
  expect(anywhere.result?.configuration).toEqual(
    compile(LORENZ, { device: LUCIDAC, opTimeNs: 1e9 }).result?.configuration,
  )
  expect(anywhere.result?.report.compileTimeMs).toBeGreaterThan(0)
  const mac = '04-E9-E5-00-00-01'
  const there = await compiled(service, request(LORENZ, { device: descriptionToProto(lucidacDescription(mac)) }))
  expect(there.result?.configuration.carriers.map(({ carrier }) => carrier)).toEqual([mac])
})

test('what is wrong with a program comes back as diagnostics', async () => {
  const { diagnostics, result } = await compiled(await started(), request('let diff[x, t](t) = -y(t);\nprobe x(t);'))
  expect(result).toBeNull()
  expect(diagnostics).toEqual(
    compile('let diff[x, t](t) = -y(t);\nprobe x(t);', { device: LUCIDAC, opTimeNs: 1e9 }).diagnostics,
  )
  expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
})

test('a program that takes too long is cut off, and the next one is compiled', async () => {
  const workerFile = spoiled('sleeper', `for (;;) {}`)
  // Longer than a thread takes to start, even on a busy machine: the next program has this limit too.
  const service = await started({ workerFile, compileTimeoutMs: 4_000 })
  const problem = await problemOf(compiled(service, request('spoil')))
  expect([problem.type, problem.message]).toEqual([
    'compilation-failed',
    'The program takes longer than 4 s to compile.',
  ])
  expect(await compiled(service, request('something else'))).toEqual({ diagnostics: [], result: null })
})

test('values out of bounds are refused, all of them by name', async () => {
  const problem = await problemOf(compiled(await started(), request('x'.repeat(70_000), { opTimeNs: 1, k0: 55 })))
  expect(problem.type).toBe('validation-failed')
  expect(problem.violations.map(({ pointer, remedy }) => [pointer, remedy])).toEqual([
    ['/source', 'At most 65536 bytes.'],
    ['/opTimeNs', '100 to 9000000000 ns.'],
    ['/k0', 'One of 100, 10000, or 0.'],
  ])
})

test('when too many programs wait, callers are told to come again', async () => {
  const gate = join(folder, 'gate')
  rmSync(gate, { force: true })
  // Nothing is compiled before the gate is there, so that what is told does not depend on how fast the thread is.
  const wait = `while (!existsSync(${JSON.stringify(gate)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)`
  const service = await started({ workerFile: spoiled('doorman', wait), compileTimeoutMs: 60_000 })
  let refused = 0
  const asked = Array.from({ length: 80 }, () =>
    compiled(service, request('spoil'), 90_000).then(
      () => 'compiled',
      (error: unknown) => {
        // One at work and 64 waiting: all others are told at once.
        if (++refused === 15) writeFileSync(gate, '')
        return Problem.from(error).type
      },
    ),
  )
  const answers = await Promise.all(asked)
  expect(answers.filter((answer) => answer === 'compiled')).toHaveLength(65)
  expect(answers.filter((answer) => answer === 'too-many-requests')).toHaveLength(15)
}, 120_000)

test('a thread that eats up its memory is ended, and so is only its program', async () => {
  // No program known to us does that to the compiler; the limit is for those that are not known.
  const workerFile = spoiled(
    'glutton',
    `for (const eaten = []; ; ) eaten.push(Array.from({ length: 1e5 }, () => ({ source })))`,
  )
  const service = await started({ workerFile, compileTimeoutMs: 60_000 })
  const problem = await problemOf(compiled(service, request('spoil'), 90_000))
  expect([problem.type, problem.message]).toEqual([
    'compilation-failed',
    'The program needs more than 256 MB to compile.',
  ])
  expect(await compiled(service, request('something else'))).toEqual({ diagnostics: [], result: null })
}, 120_000)

test('a compiler without its worker says that it failed, and does not fall over', async () => {
  const broken = await started({ workerFile: join(folder, 'missing.mjs') })
  for (let turn = 0; turn < 2; turn++)
    expect((await problemOf(compiled(broken, request(LORENZ)))).type).toBe('internal')
})
