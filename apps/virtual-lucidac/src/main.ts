#!/usr/bin/env node
/** The process around the devices: prints a line for each that listens, and closes them on a signal. */
import { Problem } from '@lucihub/analog'
import { readOptions } from './options.ts'
import { startDevices } from './devices.ts'

const options = readOptions(process.argv.slice(2))

try {
  const devices = await startDevices(options, {
    onListening: (device) => console.log(JSON.stringify({ event: 'listening', ...device })),
    onProblem: ({ name, message }) => console.error(JSON.stringify({ event: 'problem', name, message })),
  })
  const stop = () => void devices.close()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
} catch (thrown) {
  console.error(`virtual-lucidac: ${Problem.from(thrown).message}`)
  process.exitCode = 1
}
