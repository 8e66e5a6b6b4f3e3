import { expect, it } from 'vitest'
import { KnownValues } from '../core/secrets/known-values.ts'
import { createRedactor } from './redact.ts'

it('takes out what is known at the beginning, and what was got since', () => {
  const issued = KnownValues.of([])
  const redact = createRedactor(['a "quoted" secret', 'short', 'again-and-again'], issued)
  const line = JSON.stringify({ said: 'a "quoted" secret', more: 'ünï token-of-a-user-1 again-and-again short' })
  expect(redact(line)).toBe('{"said":"[redacted]","more":"ünï token-of-a-user-1 [redacted] short"}')
  issued.add(['token-of-a-user-1'])
  expect(redact(line)).toBe('{"said":"[redacted]","more":"ünï [redacted] [redacted] short"}')
  expect(redact('nothing')).toBe('nothing')
})

it('changes nothing where nothing is known', () => {
  expect(createRedactor([])('as it is')).toBe('as it is')
})
