/**
 * Bundles every service and app into one file, `dist/<name>.mjs`: it starts three times as fast as the sources and
 * runs outside the checkout. A bundle is made again when the hash of what it is made of has changed.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lock } from './lock.mjs'
import { root } from './session.mjs'

/** Optional parts of Nest and TypeORM that we do not install: they stay imports, and are never reached. */
const OPTIONAL = [
  /^@grpc\//,
  /^@google-cloud\//,
  /^@sap\//,
  /^@aws-sdk\//,
  /^@fastify\/(view|multipart)$/,
  // TypeORM asks for it by its bare name; we take one of its files, which becomes part of the bundle.
  /^sql\.js$/,
  /^@nestjs\/(websockets|platform-express)/,
  /^(amqp-connection-manager|amqplib|cache-manager|ioredis|kafkajs|mqtt|class-transformer|class-validator)(\/|$)/,
  /^(better-sqlite3|expo-sqlite|hdb-pool|mongodb|mssql|mysql|mysql2|oracledb|pg-native|pg-query-stream|react-native-sqlite-storage|sqlite3|typeorm-aurora-data-api-driver)(\/|$)/,
]

/** What CommonJS packages expect to find in an ES module bundle. */
const BANNER = `import { createRequire as __createRequire } from 'node:module'
import { fileURLToPath as __fileURLToPath } from 'node:url'
const require = __createRequire(import.meta.url), __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url));`

/**
 * Makes what is out of date; returns the names of what was made.
 * @returns {Promise<string[]>}
 */
export async function build() {
  const release = await lock('build', { wait: true })
  try {
    const common = digest([...sources('libs'), join(root, 'package-lock.json'), fileURLToPath(import.meta.url)])
    const stale = entries()
      .map((entry) => ({ ...entry, hash: `${common}${digest(sources(entry.folder))}` }))
      .filter(({ file, hash }) => !existsSync(file) || readIfThere(`${file}.hash`) !== hash)
    if (stale.length > 0) copyDocsPage()
    for (const { main, file, hash } of stale) {
      await bundle({ main, file })
      writeFileSync(`${file}.hash`, hash)
    }
    return stale.map(({ name }) => name)
  } finally {
    release()
  }
}

/** `src/main.ts` becomes `<name>.mjs`; the thread of a service, `src/worker.ts`, becomes `<name>-worker.mjs`. */
function entries() {
  return ['services', 'apps']
    .flatMap((kind) => readdirSync(join(root, kind)).map((name) => ({ name, folder: join(kind, name) })))
    .flatMap(({ name, folder }) => [
      { name, folder, main: join(root, folder, 'src/main.ts') },
      { name: `${name}-worker`, folder, main: join(root, folder, 'src/worker.ts') },
    ])
    .filter(({ main }) => existsSync(main))
    .map((entry) => ({ ...entry, file: join(root, 'dist', `${entry.name}.mjs`) }))
}

/**
 * Bundles one TypeScript file with all it imports. `change` may return other source for a module; null leaves it.
 * @param {{ main: string, file: string, change?: (source: string, path: string) => string | null }} options
 */
export async function bundle({ main, file, change = () => null }) {
  const { rolldown } = await import('rolldown')
  const made = await rolldown({
    input: main,
    cwd: root,
    platform: 'node',
    external: OPTIONAL,
    tsconfig: join(root, 'tsconfig.base.json'),
    logLevel: 'silent',
    plugins: [{ name: 'change', transform: (source, path) => change(source, path) }],
    // Nest reads the decorators' metadata to find what a constructor wants.
    transform: { target: 'es2022', decorator: { legacy: true, emitDecoratorMetadata: true } },
  })
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  await made.write({ file: draft, format: 'esm', banner: BANNER, codeSplitting: false, keepNames: true })
  await made.close()
  renameSync(draft, file)
}

/** The page at /api/docs is files that Nest looks up at run time as a package: beside the bundles it finds them anywhere. */
function copyDocsPage() {
  const from = join(root, 'node_modules/swagger-ui-dist')
  const to = join(root, 'dist/node_modules/swagger-ui-dist')
  mkdirSync(to, { recursive: true })
  const needed =
    /^(LICENSE|NOTICE|package\.json|absolute-path\.js|favicon-.*\.png|swagger-ui\.css|swagger-ui-(bundle|standalone-preset)\.js)$/
  for (const name of readdirSync(from).filter((file) => needed.test(file)))
    copyFileSync(join(from, name), join(to, name))
}

function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(
      (file) =>
        file.isFile() &&
        !file.parentPath.includes('node_modules') &&
        !file.name.endsWith('.spec.ts') &&
        /\.(ts|js|json)$/.test(file.name),
    )
    .map((file) => join(file.parentPath, file.name))
    .sort()
}

function digest(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { generate } = await import('./generate.mjs')
  generate()
  console.log((await build()).join(', ') || 'dist/ is up to date')
}
