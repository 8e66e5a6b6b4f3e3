// The order of the stages, as types cannot hold it: a change here is a change of what the gateway promises.
import { expect, test } from 'vitest'
import { everyFamily } from '../src/core/call/stage.ts'
import { pipeline, type Stages } from '../src/gateway/pipeline.ts'

/** Stages that do nothing but carry their name. */
const named = new Proxy({} as Stages, { get: (_, name) => ({ name, run: async () => undefined }) })

test('what a call passes, family by family', () => {
  const table = pipeline(named)
  expect(Object.fromEntries(everyFamily.map((family) => [family, table.order(family)]))).toEqual({
    invoke: [
      'record',
      'spill',
      'continued',
      'resolve',
      'authorize',
      'asserted',
      'contract',
      'validate',
      'audited',
      'deadline',
      'guards',
      'seal',
      'resume',
      'signIn',
      'adapt',
      'limits',
      'toolConcurrency',
      'degraded',
      'retry',
      'breaker',
      'bulkhead',
      'results',
      'connection',
    ],
    complete: ['record', 'target', 'authorize', 'audited', 'deadline', 'guards', 'limits', 'retry', 'breaker', 'bulkhead', 'connection'],
    task: [
      'record',
      'target',
      'audited',
      'deadline',
      'guards',
      'limits',
      'degraded',
      'retry',
      'breaker',
      'bulkhead',
      'taskResults',
      'connection',
    ],
    list: ['record', 'audited', 'list'],
    discover: ['record', 'audited', 'discover'],
    listen: ['record', 'audited', 'listen'],
  })
})

test('each stage is registered once, with the reason why it stands there', () => {
  const { registrations } = pipeline(named)
  expect(new Set(registrations.map(({ name }) => name)).size).toBe(registrations.length)
  for (const { name, reason } of registrations) expect(reason, name).toMatch(/^[a-z].{15,}[^.]$/)
})
