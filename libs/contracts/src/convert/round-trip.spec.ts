import fc, { type Arbitrary } from 'fast-check'
import {
  ENTITY_CLASSES,
  INTEGRATOR_RATES,
  lucidacDescription,
  Problem,
  PROBLEM_TYPES,
  SEVERITIES,
  type Compilation,
  type Configuration,
  type DeviceDescription,
  type Diagnostic,
  type Entity,
  type MBlockConfiguration,
} from '@lucihub/analog'
import { CompileReply, ConfigurationMessage, DeviceDescriptionMessage, ProblemMessage } from '../messages.ts'
import { compilationFromProto, compilationToProto } from './compilation.ts'
import { configurationFromProto, configurationToProto } from './configuration.ts'
import { descriptionFromProto, descriptionToProto } from './device.ts'
import { problemFromProto, problemToProto } from './problem.ts'

const number = fc.double({ noNaN: true })
const count = fc.nat({ max: 2 ** 32 - 1 })
const index = fc.nat({ max: 31 })
const k0 = fc.constantFrom(...INTEGRATOR_RATES)
const text = fc.string({ unit: 'grapheme', maxLength: 20 })

const mBlock: Arbitrary<MBlockConfiguration | null> = fc.oneof(
  fc.constant(null),
  fc.constant({ kind: 'MMUL' as const }),
  fc.record({
    kind: fc.constant('MDR' as const),
    operations: fc.array(
      fc.constantFrom('MULTIPLY' as const, 'SQUARE' as const, 'DIVIDE' as const, 'SQRT' as const, 'IDENT' as const),
      { maxLength: 4 },
    ),
  }),
  fc.record({
    kind: fc.constant('MINT' as const),
    integrators: fc.array(fc.record({ element: fc.nat({ max: 7 }), ic: number, k0, limiter: fc.boolean() }), {
      maxLength: 8,
    }),
  }),
)

const sector = fc.oneof(fc.constant('backplane' as const), fc.nat({ max: 2 }))
const place = fc.nat({ max: 6 })

const configuration: Arbitrary<Configuration> = fc.record({
  probes: fc.array(fc.record({ label: text, unit: text }), { maxLength: 8 }),
  problemTimePerSecond: number,
  carriers: fc.array(
    fc.record(
      {
        carrier: text,
        hops: fc.array(fc.record({ lane: index, from: sector, to: sector }), { minLength: 1, maxLength: 8 }),
        backplane: fc.array(fc.record({ lane: index, from: place, to: place }), { minLength: 1, maxLength: 8 }),
        adc: fc.array(fc.record({ output: index, gain: number, offset: number, probe: fc.nat({ max: 7 }) }), {
          maxLength: 8,
        }),
        clusters: fc.array(
          fc.record({
            index: fc.nat({ max: 2 }),
            constant: fc.constantFrom(null, 1 as const, -1 as const, 0.1 as const, -0.1 as const),
            lanes: fc.array(
              fc.record({
                lane: index,
                source: fc.option(fc.nat({ max: 15 })),
                coefficient: number,
                upscaled: fc.boolean(),
                sinks: fc.array(fc.nat({ max: 15 }), { maxLength: 4 }),
              }),
              { maxLength: 32 },
            ),
            slots: fc.tuple(mBlock, mBlock),
          }),
          { maxLength: 3 },
        ),
      },
      { requiredKeys: ['carrier', 'adc', 'clusters'] },
    ),
    { maxLength: 2 },
  ),
})

function entity(depth: number): Arbitrary<Entity> {
  return fc.record({
    id: text,
    class: fc.constantFrom(...ENTITY_CLASSES),
    type: count,
    variant: count,
    version: fc.option(fc.record({ major: count, minor: count, patch: count })),
    eui: text,
    location: fc.option(fc.record({ stack: count, carrier: count })),
    children: depth === 0 ? fc.constant([]) : fc.array(entity(depth - 1), { maxLength: 3 }),
  })
}

const span = fc.record({ from: count, to: count, line: count, column: count })

const diagnostic: Arbitrary<Diagnostic> = fc.record(
  {
    code: text,
    severity: fc.constantFrom(...SEVERITIES),
    message: text,
    hint: text,
    span: fc.option(span),
    fix: fc.record({ title: text, span, replacement: text }),
  },
  { requiredKeys: ['code', 'severity', 'message', 'hint', 'span'] },
)

const compilation: Arbitrary<Compilation> = fc.record({
  diagnostics: fc.array(diagnostic, { maxLength: 5 }),
  result: fc.option(
    fc.record({
      configuration,
      report: fc.record({
        elements: fc.array(fc.record({ kind: text, used: count, available: count }), { maxLength: 4 }),
        lanesUsed: count,
        lanesAvailable: count,
        k0,
        problemTimePerSecond: number,
        signals: fc.array(fc.record({ name: text, element: text, scale: number, amplitude: number }), { maxLength: 4 }),
        compileTimeMs: number,
      }),
    }),
  ),
})

const problem: Arbitrary<Problem> = fc
  .record({
    type: fc.constantFrom(...PROBLEM_TYPES),
    detail: text,
    retryAfterS: count,
    violations: fc.array(fc.record({ pointer: text, value: text, message: text, remedy: text }), { maxLength: 4 }),
  })
  .map(({ type, detail, ...options }) => new Problem(type, detail, options))

/** Over the wire and back: to protobuf, to bytes, and all the way home. */
function survives<D>(values: Arbitrary<D>, travel: (value: D) => D): void {
  fc.assert(fc.property(values, (value) => expect(travel(value)).toEqual(value)))
}

test('a configuration survives the bus', () => {
  survives(configuration, (value) =>
    configurationFromProto(ConfigurationMessage.decode(ConfigurationMessage.encode(configurationToProto(value)))),
  )
})

test('a device description survives the bus', () => {
  const travel = (value: DeviceDescription): DeviceDescription =>
    descriptionFromProto(DeviceDescriptionMessage.decode(DeviceDescriptionMessage.encode(descriptionToProto(value))))
  survives(fc.record({ carriers: fc.array(entity(3), { maxLength: 3 }) }), travel)
  const lucidac = lucidacDescription('04-E9-E5-15-87-A0')
  expect(travel(lucidac)).toEqual(lucidac)
})

test('a compilation survives the bus', () => {
  survives(compilation, (value) =>
    compilationFromProto(CompileReply.decode(CompileReply.encode(compilationToProto(value)))),
  )
})

test('a problem survives the bus, but for its cause', () => {
  fc.assert(
    fc.property(problem, (sent) => {
      const { type, message, violations, retryAfterS } = problemFromProto(
        ProblemMessage.decode(ProblemMessage.encode(problemToProto(sent))),
      )
      expect({ type, message, violations, retryAfterS }).toEqual({
        type: sent.type,
        message: sent.message,
        violations: sent.violations,
        retryAfterS: sent.retryAfterS,
      })
    }),
  )
})

test('a problem of a type that is not known here is internal', () => {
  expect(
    problemFromProto({ type: 'toString', detail: 'from the future', violations: [], retryAfterS: 0 }),
  ).toMatchObject({
    type: 'internal',
    message: 'from the future',
  })
})
