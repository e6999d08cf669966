import { ServiceLogger } from './logger.ts'

function logged(write: (logger: ServiceLogger) => void, level = 'info'): unknown[] {
  const lines: string[] = []
  write(new ServiceLogger({ name: 'compiler', level }, { write: (line) => lines.push(line) }))
  return lines.map((line): unknown => JSON.parse(line))
}

test('a line is one JSON object with level, service and context', () => {
  const [line] = logged((logger) => logger.log('ready', 'Service'))
  expect(line).toMatchObject({ level: 'info', service: 'compiler', context: 'Service', msg: 'ready' })
})

test('an error keeps its stack and its cause', () => {
  const [line] = logged((logger) => logger.error(new Error('outer', { cause: new Error('inner') }), 'Service'))
  expect(line).toMatchObject({
    level: 'error',
    msg: 'outer',
    err: { type: 'Error', stack: expect.stringContaining('inner') },
  })
})

test('a stack given beside the message is kept', () => {
  const [line] = logged((logger) => logger.error('it failed', 'at somewhere', 'Service'))
  expect(line).toMatchObject({ msg: 'it failed', more: ['at somewhere'], context: 'Service' })
})

test('an object is kept as it is', () => {
  const [line] = logged((logger) => logger.warn({ run: 'r1' }, 'Runs'))
  expect(line).toMatchObject({ level: 'warn', details: { run: 'r1' }, context: 'Runs' })
})

test('what is below the level is not written', () => {
  const lines = logged((logger) => {
    logger.debug('no')
    logger.verbose('no')
    logger.warn('yes')
    logger.fatal('yes')
  }, 'warn')
  expect(lines).toHaveLength(2)
})
