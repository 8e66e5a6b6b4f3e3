import { expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import fc from '../../../test/property.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import { decode, encode } from './row.ts'

const text = fc.string({ unit: 'binary', maxLength: 20 })
const some = fc.option(text, { nil: undefined })

it('is JSON, whatever its parts hold, and reads back as what was decided', () => {
  const principals = fc.record({ tenant: text, iss: text, sub: text, clientId: some, actors: fc.array(text, { maxLength: 3 }) })
  const decisions = fc.record({
    id: text,
    credential: text,
    rule: text,
    method: some,
    upstream: some,
    item: some,
    reason: some,
    allowed: fc.boolean(),
  })
  fc.assert(
    fc.property(decisions, fc.option(principals, { nil: undefined }), fc.nat(), (parts, who, seq) => {
      const principal = who === undefined ? undefined : aPrincipal(who)
      const decision: Decision = { ...parts, principal, atMs: 1_700_000_000_000, about: 'access' }
      const row = encode(seq, decision)
      // The bytes that are hashed are those of a plain array.
      expect(row).toBe(JSON.stringify(JSON.parse(row)))
      expect(encode(seq, decision)).toBe(row)
      expect(decode('chain', row)).toEqual({
        chain: 'chain',
        seq,
        at: decision.atMs,
        about: 'access',
        allowed: parts.allowed,
        id: parts.id,
        tenant: who?.tenant ?? null,
        issuer: who?.iss ?? null,
        subject: who?.sub ?? null,
        client: who?.clientId ?? null,
        actors: who?.actors ?? [],
        via: principal?.method ?? null,
        credential: parts.credential,
        method: parts.method ?? null,
        upstream: parts.upstream ?? null,
        item: parts.item ?? null,
        rule: parts.rule,
        reason: parts.reason ?? null,
      })
    }),
  )
})
