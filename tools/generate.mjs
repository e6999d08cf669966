/**
 * Generates code from its sources: protobuf static modules from proto/, the analang parser from its grammar.
 * Output lies in `generated/` folders, which git ignores. Skips what is newer than its sources.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)

/** Generates everything that is out of date; returns the names of what was made. */
export function generate() {
  return [
    protobuf({ name: 'bus', sources: 'proto/lucihub/v1', out: 'libs/contracts/src/generated' }),
    protobuf({ name: 'device', sources: 'proto/anabrid', out: 'libs/device/src/generated' }),
    grammar({ source: 'libs/analang/src/analang.grammar', out: 'libs/analang/src/generated' }),
  ].filter(Boolean)
}

function protobuf({ name, sources, out }) {
  const files = existsSync(at(sources))
    ? readdirSync(at(sources))
        .filter((file) => file.endsWith('.proto'))
        .map((file) => at(sources, file))
    : []
  const target = at(out, `${name}.js`)
  const types = at(out, `${name}.d.ts`)
  if (files.length === 0 || !outdated(types, [...files, fileURLToPath(import.meta.url)])) return null
  mkdirSync(at(out), { recursive: true })
  const cli = at('node_modules/protobufjs-cli/bin')
  const flags = [
    '-t',
    'static-module',
    '-w',
    'es6',
    '--force-number',
    '--no-verify',
    '--no-delimited',
    '--no-create',
    '--no-typeurl',
    '-p',
    at('proto'),
    '-r',
    name,
  ]
  run(join(cli, 'pbjs'), [...flags, '-o', target, ...files])
  run(join(cli, 'pbts'), ['-o', types, target])
  // `import Long = require(...)` is not legal in an ES module, and with --force-number nothing uses it.
  writeFileSync(types, withOptionals(readFileSync(types, 'utf8').replace(/^import Long = require\("long"\);\n/m, '')))
  return name
}

/**
 * pbts types the properties of every field alike; only its classes tell a proto3 `optional` one, which has no default.
 * `void` marks it in the properties too, for `Message` in libs/protobuf.
 */
function withOptionals(types) {
  const optional = new Set()
  const walk = (inClass) => {
    let message = ''
    let seen = ''
    return types
      .split('\n')
      .map((line) => {
        const [, word, name] = /^ {8}(class|namespace|interface) (\w+)/.exec(line) ?? []
        if (word) [seen, message] = [word, name]
        const [, field] = /^ +(\w+)\?: \(\S+\|null\);$/.exec(line) ?? []
        if (!field || line.includes('$Properties')) return line
        if (inClass && seen === 'class') optional.add(`${message}.${field}`)
        return !inClass && seen === 'namespace' && optional.has(`${message}.${field}`)
          ? line.replace('|null);', '|null|void);')
          : line
      })
      .join('\n')
  }
  walk(true)
  types = walk(false)
  return types
}

function grammar({ source, out }) {
  const target = at(out, 'parser.js')
  if (!existsSync(at(source)) || !outdated(target, [at(source)])) return null
  mkdirSync(at(out), { recursive: true })
  run(at('node_modules/@lezer/generator/src/lezer-generator.cjs'), [at(source), '-o', target])
  return 'grammar'
}

function outdated(target, sources) {
  if (!existsSync(target)) return true
  const made = statSync(target).mtimeMs
  return sources.some((source) => statSync(source).mtimeMs > made)
}

function run(script, args) {
  execFileSync(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'inherit'], cwd: root })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const made = generate()
  console.log(made.length > 0 ? `generated: ${made.join(', ')}` : 'generated code is up to date')
}
