// The order of the stages, as types cannot hold it: a change here is a change of what the gateway promises.
import { expect, test } from 'vitest'
import { pipeline, type Stages } from '../src/gateway/pipeline.ts'

/** Stages that do nothing but carry their name. */
const named = new Proxy({} as Stages, { get: (_, name) => ({ name, run: async () => undefined }) })

test('what a call passes, family by family', () => {
  expect(pipeline(named).order).toEqual({
    invoke: [
      'record',
      'spill',
      'continued',
      'resolve',
      'asserted',
      'validate',
      'deadline',
      'seal',
      'resume',
      'retry',
      'breaker',
      'bulkhead',
      'connection',
    ],
    complete: ['record', 'target', 'deadline', 'retry', 'breaker', 'bulkhead', 'connection'],
    task: ['record', 'target', 'deadline', 'retry', 'breaker', 'bulkhead', 'connection'],
    list: ['record', 'list'],
    discover: ['record', 'discover'],
    listen: ['record', 'listen'],
  })
})
