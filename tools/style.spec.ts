/** House rules that a reader cannot be asked to check: they are read off the files, or off what lint says. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROBLEM_TYPES } from '@lucihub/analog'
import { broadcasts, compiler, feeds, store } from '@lucihub/contracts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Sources of the folders, without specs, generated code and packages, by path from the root. */
function sources(...folders: string[]): ReadonlyMap<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => join(folder, file))
      .filter((file) => /\.ts$/.test(file) && !/\.spec\.ts$|node_modules|\/generated\/|\/test\//.test(file)),
  )
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

const serviceSources = sources('services')
const serviceOf = (path: string): string => path.split('/')[1] ?? ''

/** Services with a source that matches. */
function servicesThat(pattern: RegExp): string[] {
  return [...new Set([...serviceSources].filter(([, text]) => pattern.test(text)).map(([path]) => serviceOf(path)))]
}

test('LC-11 only the folder of hot state knows a Redis key', () => {
  const keyed = [...sources('services', 'libs', 'apps')].filter(([, text]) => /['"`](lh|lucihub):\d/.test(text))
  expect(keyed.length).toBeGreaterThan(0)
  for (const [path] of keyed) expect(path).toMatch(/^services\/run-store\/src\/(hot|view)\//)
})

describe('lint', () => {
  const offender = join(root, 'services/compiler/src/offender-of-style-spec.ts')
  afterEach(() => rmSync(offender, { force: true }))

  test('refuses a service that imports a service or a client, speaks to devices, holds SQL, or reads the environment', async () => {
    writeFileSync(
      offender,
      `import * as neighbour from '@lucihub/run-store'
import * as nearby from '../../run-store/src/config.ts'
import * as sdk from '@lucihub/sdk'
import * as device from '@lucihub/device'
import pg from 'pg'

export const offence = [neighbour, nearby, sdk, device, pg, process.env['HOME']]
`,
    )
    const said = await lint('compiler')
    expect(said).toContain('Nobody imports a service')
    expect(said).toContain('A project tagged with "layer:service" can only depend on libs tagged with')
    expect(said).toContain('Projects cannot be imported by a relative or absolute path')
    expect(said).toContain('Only run-store knows SQL and Redis')
    expect(said).toContain('Only who drives devices speaks to them')
    expect(said).toContain('Only config.ts reads the environment')
  }, 120_000)
})

/** What lint says about a project, through Nx: without its project graph the boundary rule is silent. */
function lint(project: string): Promise<string> {
  const nx = join(root, 'node_modules/nx/dist/bin/nx.js')
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [nx, 'lint', project, '--skip-nx-cache'],
      { cwd: root, env },
      (_failed, stdout, stderr) => resolve(stdout + stderr),
    )
  })
}

describe('projects', () => {
  const projects = ['libs', 'services', 'apps']
    .flatMap((kind) => readdirSync(join(root, kind)).map((name) => join(kind, name)))
    .concat('tools/servers', 'e2e', 'bench')

  test.each(projects)('%s says in a README what it is', (project) => {
    const readme = join(root, project, 'README.md')
    expect({ readme, lines: existsSync(readme) && readFileSync(readme, 'utf8').split('\n').length >= 8 }).toEqual({
      readme,
      lines: true,
    })
  })

  test('lie in the folders that the architecture names', () => {
    const ignored = readFileSync(join(root, '.gitignore'), 'utf8')
      .split('\n')
      .map((line) => line.replaceAll('/', ''))
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== '.git' && !ignored.includes(entry.name))
      .map(({ name }) => name)
    const allowed = ['.ci', 'apps', 'bench', 'deploy', 'docs', 'e2e', 'examples', 'libs', 'proto', 'services', 'tools']
    expect(folders.filter((name) => !allowed.includes(name))).toEqual([])
  })

  test('have no file or folder with a name that says nothing', () => {
    const empty = /^(common|shared|utils?|core|helpers?|types|dto|interfaces)(\.ts)?$/
    const offenders = [...sources('libs', 'services', 'apps').keys()].filter((path) =>
      path.split('/').some((part) => empty.test(part)),
    )
    expect(offenders).toEqual([])
  })
})

describe('subjects', () => {
  const rpcs = Object.entries({ store, compiler }).flatMap(([group, members]) =>
    Object.keys(members).map((name) => `${group}.${name}`),
  )

  test.each(rpcs)('%s is answered once', (subject) => {
    const pattern = new RegExp(`@Answer\\(\\s*${subject}\\b`, 'g')
    const answers = [...serviceSources].flatMap(([path, text]) => (text.match(pattern) ?? []).map(() => path))
    expect(answers).toHaveLength(1)
  })

  test.each(rpcs)('%s is asked', (subject) => {
    expect(servicesThat(new RegExp(`(?<!@Answer\\(\\s*)\\b${subject}\\b`))).not.toEqual([])
  })

  test.each(Object.keys(feeds))('the feed %s has one publisher and one consumer', (name) => {
    const consumes = String.raw`@Consume(Batch)?\(\s*`
    const neitherPublishes = String.raw`(@Consume(Batch)?|subscribe|purge)\(\s*`
    expect(servicesThat(new RegExp(`${consumes}feeds\\.${name}\\b`))).toHaveLength(1)
    expect(servicesThat(new RegExp(`(?<!${neitherPublishes})feeds\\.${name}\\b`))).toHaveLength(1)
  })

  test.each(Object.keys(broadcasts))('the broadcast %s has one sender and one kind of listener', (name) => {
    expect(servicesThat(new RegExp(`broadcast\\(\\s*broadcasts\\.${name}\\b`))).toHaveLength(1)
    expect(servicesThat(new RegExp(`(@Listen|subscribe)\\(\\s*broadcasts\\.${name}\\b`))).toHaveLength(1)
  })
})

describe('problems', () => {
  const raising = [...sources('libs', 'services', 'apps').values()].join('\n')

  test.each(PROBLEM_TYPES)('%s is raised somewhere', (type) => {
    expect(raising).toMatch(new RegExp(`\\bProblem\\([^)]{0,120}'${type}'`))
  })
})
