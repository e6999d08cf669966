/** The JSON-lines client on virtual machines of that generation, plain and as lucipy's emulator words things. */
import { fastPace, SimulatedComputer } from '@lucihub/simulation'
import { conformance } from '@lucihub/simulation/conformance'
import { connectJsonLines, JSON_LINES_RESOLUTION } from '../src/json-lines/client.ts'
import { EMULATOR, FIRMWARE_1, type Quirks } from '../src/json-lines/quirks.ts'
import { serveJsonLines } from '../src/json-lines/server.ts'
import { lucidac } from './descriptions.ts'

const pace = fastPace(() => new Promise((resolve) => setImmediate(resolve)))
/** Half a step of the samples' decimals, and what the simulation itself may be off by. */
const tolerance = JSON_LINES_RESOLUTION / 2 + 1e-5

describe.each<[string, Quirks]>([
  ['of the last firmware', FIRMWARE_1],
  ["like lucipy's emulator", EMULATOR],
  ['that tells every phase', { ...FIRMWARE_1, phases: 'all', macWithSlash: true }],
])('A JSON-lines machine %s', (name, quirks) => {
  conformance(
    name,
    async () => {
      const computer = new SimulatedComputer({ description: lucidac, pace })
      const server = await serveJsonLines({ computer, port: 0, quirks })
      const client = await connectJsonLines({ host: '127.0.0.1', port: server.port })
      return {
        ...client,
        close: async () => {
          await client.close()
          await server.close()
        },
      }
    },
    { tolerance },
  )
})
