// The gate that calls pass, asked whether it can run a schema.
import { expect, it } from 'vitest'
import { runByGate } from './contract-runs.ts'

it('a value that does not fit is judged, and that is all that is asked', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
  expect(runByGate(schema, [{}, { a: 'x' }, { a: 1 }])).toBeUndefined()
})

it('a value that the validator falls over is told', () => {
  const falling = Object.defineProperty({}, 'a', {
    enumerable: true,
    get: () => {
      throw new Error('it fell')
    },
  })
  expect(runByGate({ type: 'object', properties: { a: { type: 'string' } } }, [falling])).toBe('the schema cannot be run: it fell')
})
