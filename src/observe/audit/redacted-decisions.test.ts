import { expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import { Redaction } from '../../core/secrets/redaction.ts'
import { redactedDecisions } from './redacted-decisions.ts'

const decision: Decision = {
  id: 'call-1',
  atMs: 0,
  about: 'access',
  allowed: false,
  principal: aPrincipal({ sub: 'anna@example.org' }),
  method: 'resources/read',
  upstream: 'files',
  item: undefined,
  rule: 'default',
  credential: 'jti-7',
  reason: undefined,
}

it('reasons and addresses are noted without what is to be written down nowhere, and who it was as he is called', () => {
  const noted: Decision[] = []
  const decisions = redactedDecisions({ note: (one) => noted.push(one) }, new Redaction({ keys: [], patterns: ['CUST-\\d+'] }))
  decisions.note(decision)
  decisions.note({ ...decision, item: 'https://a.example/CUST-12?mail=bob@example.org', reason: 'bob@example.org asked for CUST-12' })
  expect(noted[0]).toBe(decision)
  expect(noted[1]).toEqual({
    ...decision,
    item: 'https://a.example/[redacted:configured]?mail=[redacted:email]',
    reason: '[redacted:email] asked for [redacted:configured]',
  })
})
