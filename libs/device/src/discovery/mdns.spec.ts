import type { Problem } from '@lucihub/analog'
import { createSocket } from 'node:dgram'
import { advertise, browse, mdnsNameOf } from './mdns.ts'

const networkInterface = '127.0.0.1'

test('a device is named after the end of its MAC address', () => {
  expect(mdnsNameOf('04-E9-E5-17-E5-68')).toBe('lucidac-17-E5-68')
})

// Announcements need multicast, which not every machine allows: there, nothing must be found and nothing must break.
test('where multicast is possible an advertised device is found with its class, elsewhere nothing breaks', async () => {
  const possible = await multicastWorks()
  const tail = (process.pid % 2 ** 24).toString(16).padStart(6, '0').toUpperCase()
  const name = mdnsNameOf(['04-E9-E5', tail.slice(0, 2), tail.slice(2, 4), tail.slice(4)].join('-'))
  const problems: Problem[] = []
  const found: string[] = []
  let hear = () => {}
  const heard = new Promise<void>((resolve) => (hear = resolve))
  const onProblem = (problem: Problem) => void problems.push(problem)
  const browser = browse({
    onUp: (device) => {
      if (device.name !== name) return
      found.push(`${device.name}:${device.port} ${device.simulator ? 'SIMULATOR' : 'LUCIDAC'}`)
      hear()
    },
    networkInterface,
    onProblem,
  })
  const announcement = advertise({ name, port: 45_732, txt: { class: 'SIMULATOR' }, networkInterface, onProblem })
  if (possible) await heard
  await announcement.close()
  await browser.close()
  expect(found).toEqual(possible ? [`${name}:45732 SIMULATOR`] : [])
  for (const problem of problems) expect(problem.message).toMatch(/^mDNS is not possible here: /)
})

/** Whether a datagram to the mDNS group, on a port of our own, comes back. */
async function multicastWorks(): Promise<boolean> {
  const group = '224.0.0.251'
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  const works = await new Promise<boolean>((resolve) => {
    socket.on('error', () => resolve(false))
    socket.on('message', () => resolve(true))
    socket.bind(0, () => {
      try {
        socket.addMembership(group, networkInterface)
        socket.setMulticastInterface(networkInterface)
        socket.send('hello', socket.address().port, group)
      } catch {
        resolve(false) // The group cannot be joined.
      }
    })
    setTimeout(() => resolve(false), 500).unref()
  })
  socket.close()
  return works
}
