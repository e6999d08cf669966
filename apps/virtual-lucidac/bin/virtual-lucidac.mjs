#!/usr/bin/env node
/** Runs the bundle, which `npm start`, `npm run demo` and `npm test` make. */
import { existsSync } from 'node:fs'

const bundle = new URL('../../../dist/virtual-lucidac.mjs', import.meta.url)
if (!existsSync(bundle)) {
  console.error('virtual-lucidac is not built yet: `npm start` or `npm run demo` builds it.')
  process.exit(69)
}
await import(bundle.href)
