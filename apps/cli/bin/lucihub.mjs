#!/usr/bin/env node
/** Runs the bundle, which `npm start`, `npm run demo` and `npm test` make. */
import { existsSync } from 'node:fs'

const bundle = new URL('../../../dist/cli.mjs', import.meta.url)
if (!existsSync(bundle)) {
  console.error('lucihub is not built yet: `npm start` or `npm run demo` builds it.')
  process.exit(69)
}
await import(bundle.href)
