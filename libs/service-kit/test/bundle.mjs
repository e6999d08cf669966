/** `node bundle.mjs <entry.ts> <out.mjs>`: our sources in one file, packages left in node_modules. (Not in jest: a native module wants its own realm.) */
import { argv } from 'node:process'
import { rolldown } from 'rolldown'

const [input, file] = argv.slice(2)
const build = await rolldown({
  input,
  platform: 'node',
  external: (id) => /^(@nestjs|@nats-io|pino|prom-client|rxjs|protobufjs|reflect-metadata)/.test(id),
  transform: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  logLevel: 'silent',
})
await build.write({ file, format: 'esm' })
