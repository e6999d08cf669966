import { IDEAL, REALISTIC } from '@lucihub/simulation'
import { Command, CommanderError } from 'commander'
import { macAfter, readOptions } from './options.ts'

/** Reads options without ending this process; what was printed is thrown. */
function read(line: string): ReturnType<typeof readOptions> {
  let printed = ''
  const write = (text: string) => void (printed += text)
  const command = new Command().exitOverride().configureOutput({ writeOut: write, writeErr: write })
  try {
    return readOptions(
      line.split(' ').filter((word) => word !== ''),
      command,
    )
  } catch (thrown) {
    if (thrown instanceof CommanderError) throw new Error(printed.trim(), { cause: thrown })
    throw thrown
  }
}

test('without arguments it is one ideal LUCIDAC in real time on the loopback', () => {
  expect(read('')).toEqual({
    host: '127.0.0.1',
    port: 5732,
    mac: expect.stringMatching(/^02-4C-48(-[0-9A-F]{2}){3}$/),
    name: '',
    count: 1,
    pace: 'real-time',
    imperfections: { ...IDEAL, seed: 1 },
    simulator: false,
    mdns: false,
    generation: 'protobuf',
    kind: 'lucidac',
    carriers: 1,
    udp: false,
    daqBufferBytes: null,
    token: '',
    sessionTimeoutS: 10,
    misbehaviours: [],
  })
})

test('every option is taken', () => {
  const line =
    '--port 0 --host 0.0.0.0 --mac 04:e9:e5:00:00:0a --name lab --count 3 --pace fast --noise realistic --seed 9 --class simulator --mdns --kind redac --carriers 4 --udp --daq-buffer 65536 --token t --session-timeout 60 --misbehave never-done --misbehave slow=3'
  expect(read(line)).toEqual({
    host: '0.0.0.0',
    port: 0,
    mac: '04-E9-E5-00-00-0A',
    name: 'lab',
    count: 3,
    pace: 'fast',
    imperfections: { ...REALISTIC, seed: 9 },
    simulator: true,
    mdns: true,
    generation: 'protobuf',
    kind: 'redac',
    carriers: 4,
    udp: true,
    daqBufferBytes: 65_536,
    token: 't',
    sessionTimeoutS: 60,
    misbehaviours: [
      { mode: 'never-done', argument: 0 },
      { mode: 'slow', argument: 3 },
    ],
  })
  expect(read('--generation json-lines').generation).toBe('json-lines')
  expect(read('--noise 0.01').imperfections).toEqual({ ...IDEAL, noise: 0.01 })
  expect(read('--mdns --no-mdns').mdns).toBe(false)
})

test('a device keeps its MAC address while it keeps its name, and others have others', () => {
  expect(read('--name a --port 1').mac).toBe(read('--name a --port 2').mac)
  expect(read('--name a').mac).not.toBe(read('--name b').mac)
  expect(read('--port 1').mac).not.toBe(read('--port 2').mac)
})

test('MAC addresses follow each other, and carry', () => {
  expect(macAfter({ mac: '04-E9-E5-00-00-FF', steps: 1 })).toBe('04-E9-E5-00-01-00')
  expect(macAfter({ mac: '04-E9-E5-FF-FF-FF', steps: 2 })).toBe('04-E9-E5-00-00-01')
})

test.each([
  ['--port 70000', "option '--port <port>' argument '70000' is invalid. Use 0 to 65535."],
  ['--count 0', "option '--count <n>' argument '0' is invalid. Use 1 to 64."],
  ['--mac 04-E9', "option '--mac <mac>' argument '04-E9' is invalid. Use six bytes, as in 04-E9-E5-15-87-A0."],
  ['--noise loud', "option '--noise <level>' argument 'loud' is invalid. Use ideal, realistic, or 0 to 1."],
  ['--pace slow', "option '--pace <pace>' argument 'slow' is invalid. Allowed choices are real-time, fast."],
  ['--carriers 8', "option '--carriers <n>' argument '8' is invalid. Use 2 to 7."],
  [
    '--misbehave slow=-1',
    "option '--misbehave <mode[=argument]>' argument 'slow=-1' is invalid. slow takes a ms of 0 to 60000.",
  ],
  [
    '--generation json-lines --udp',
    "option '--generation json-lines' is a LUCIDAC without --udp, --daq-buffer and --misbehave.",
  ],
  ['--speed 3', "unknown option '--speed'"],
])('%s is refused', (line, message) => {
  expect(() => read(line)).toThrow(`error: ${message}`)
})

test('the help has examples', () => {
  expect(() => read('--help')).toThrow(/Usage: virtual-lucidac \[options\][^]*Examples:\n {2}virtual-lucidac {2}/)
})
