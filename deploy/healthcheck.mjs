/** The containers' health check: `ready` on the health port, or, with an argument, an open TCP port. */
import { connect } from 'node:net'

const [devicePort] = process.argv.slice(2)
const healthy = devicePort ? await opens(Number(devicePort)) : await ready(process.env.HEALTH_PORT)
process.exit(healthy ? 0 : 1)

async function ready(port) {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(3000) })).ok
  } catch {
    return false // not listening yet, or too slow to be called ready
  }
}

function opens(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 3000 })
    const end = (open) => {
      socket.destroy()
      resolve(open)
    }
    socket
      .once('connect', () => end(true))
      .once('timeout', () => end(false))
      .once('error', () => end(false))
  })
}
