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
/** Long enough that a chaotic system has to be integrated for a good while to be scaled. */
const LONGEST_NS = 9e9

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
      compileTimeoutMs: 10_000,
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

async function compiled({ bus }: RunningService, asked: CompileRequest): Promise<Compilation> {
  return compilationFromProto(await bus.call(compiler.compile, asked, { timeoutMs: 15_000 }))
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
  const service = await started({ compileTimeoutMs: 100 })
  const problem = await problemOf(compiled(service, request(LORENZ, { opTimeNs: LONGEST_NS })))
  expect([problem.type, problem.message]).toEqual([
    'compilation-failed',
    'The program takes longer than 0.1 s to compile.',
  ])
  const decay = 'let diff[x, t](t) = -x(t);\nlet x(t: 0) = 1;\nprobe x(t);'
  // The new thread has to start within the same limit, which a busy machine may not manage at the first try.
  let result: Compilation['result'] = null
  for (let tries = 0; !result && tries < 20; tries++)
    result = await compiled(service, request(decay)).then(
      (reply) => reply.result,
      () => null,
    )
  expect(result?.configuration.probes.map(({ label }) => label)).toEqual(['x'])
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
  const service = await started()
  const asked = Array.from({ length: 80 }, () =>
    compiled(service, request(LORENZ)).then(
      () => 'compiled',
      (error: unknown) => Problem.from(error).type,
    ),
  )
  const answers = await Promise.all(asked)
  expect(answers.filter((answer) => answer === 'compiled')).toHaveLength(65)
  expect(answers.filter((answer) => answer === 'too-many-requests')).toHaveLength(15)
})

test('a thread that eats up its memory is ended, and so is only its program', async () => {
  const workerFile = join(folder, 'glutton.mjs')
  // No program known to us does that to the compiler; the limit is for those that are not known.
  writeFileSync(
    workerFile,
    `import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ source }) => {
      if (source === 'eat') for (const eaten = []; ; ) eaten.push(Array.from({ length: 1e5 }, () => ({ source })))
      parentPort.postMessage({ kind: 'compiled', diagnostics: [], result: null })
    })`,
  )
  const service = await started({ workerFile })
  const problem = await problemOf(compiled(service, request('eat')))
  expect([problem.type, problem.message]).toEqual([
    'compilation-failed',
    'The program needs more than 256 MB to compile.',
  ])
  expect(await compiled(service, request('something else'))).toEqual({ diagnostics: [], result: null })
})

test('a compiler without its worker says that it failed, and does not fall over', async () => {
  const broken = await started({ workerFile: join(folder, 'missing.mjs') })
  for (let turn = 0; turn < 2; turn++)
    expect((await problemOf(compiled(broken, request(LORENZ)))).type).toBe('internal')
})
