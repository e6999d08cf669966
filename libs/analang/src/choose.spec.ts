import { deviceClassOf, LUCIDAC, MREDAC, presumedSpecification, violationsOf } from '@lucihub/analog'
import { compileForAny } from './choose.ts'
import { compile } from './compile.ts'

const opTimeNs = 1_000_000

function ring(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `x${i}`)
  const equations = names.map((x, i) => `let diff[${x}, t](t) = ${names.at(i - 1)} - ${x};`)
  return `${equations.join('\n')}\nlet x0(t: 0) = 1; probe x0;`
}

function said(source: string): string[] {
  return compileForAny(source, { opTimeNs }).diagnostics.map(({ code, message }) => `${code} ${message}`)
}

test.each([
  [8, 'LUCIDAC', 'LUCIDAC'],
  [9, 'mREDAC', 'REDAC'],
  [24, 'mREDAC', 'REDAC'],
  [25, 'REDAC', 'REDAC'],
])('a ring of %d integrators is compiled for a %s', (count, machine, deviceClass) => {
  const { result } = compileForAny(ring(count), { opTimeNs })
  if (!result) throw new Error('nothing was compiled')
  expect(result.report.machine).toBe(machine)
  const specification = presumedSpecification(result.configuration)
  expect(violationsOf(result.configuration, specification)).toEqual([])
  expect(deviceClassOf(specification)).toBe(deviceClass)
})

test('a device that is named is not exchanged for another', () => {
  const { diagnostics, result } = compile(ring(9), { device: LUCIDAC, opTimeNs })
  expect(result).toBeNull()
  expect(diagnostics.map(({ message, hint }) => [message, hint])).toEqual([
    [
      'the circuit needs 9 integrators, the device has 8',
      'each order of each differential equation takes one; an mREDAC has room for it',
    ],
  ])
  expect(compile(ring(8), { device: MREDAC, opTimeNs }).result?.report).not.toHaveProperty('machine')
})

test('what fits no machine is short of something on each', () => {
  expect(said(ring(200))).toEqual([
    'ANA0301 on a LUCIDAC: the circuit needs 200 integrators, the device has 8',
    'ANA0301 on an mREDAC: the circuit needs 200 integrators, the device has 24',
    'ANA0301 on a REDAC: the circuit needs 200 integrators, the device has 168',
  ])
  expect(said(`in u; ${ring(9)} probe u;`)).toEqual([
    'ANA0301 on a LUCIDAC: the circuit needs 9 integrators, the device has 8',
    'ANA0206 on an mREDAC: the program has 1 external input, the device has 0 ports',
    'ANA0206 on a REDAC: the program has 1 external input, the device has 0 ports',
  ])
})

test('a mistake is said once, whatever the machine', () => {
  expect(said('let diff[x, t](t) = -y; probe x;')).toEqual(['ANA0101 `y` is not defined'])
})
