import { describe, expect, it } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import fc from '../../../test/property.ts'
import { principalKey, samePrincipal } from './principal.ts'

describe('two principals are told apart by tenant, issuer and subject', () => {
  it('and by nothing else: another token of the same principal is the same principal', () => {
    const renewed = aPrincipal({ scopes: ['more'], groups: ['support'], clientId: 'app', expiresAt: 2_000 })
    expect(samePrincipal(aPrincipal(), renewed)).toBe(true)
    expect(samePrincipal(aPrincipal(), aPrincipal({ tenant: 'acme' }))).toBe(false)
    expect(samePrincipal(aPrincipal(), aPrincipal({ iss: 'https://other.example' }))).toBe(false)
    expect(samePrincipal(aPrincipal(), aPrincipal({ sub: 'bob' }))).toBe(false)
  })

  it('and no text in one of the three passes for a border between them', () => {
    const text = fc.string({
      unit: fc.constantFrom('"', '\\', ',', '\0', '[', ']', ':', '/', ' ', '\ud800', 'a'),
      minLength: 4,
      maxLength: 12,
    })
    const cut = (whole: string, a: number, b: number) => {
      const [i, j] = [a % whole.length, b % whole.length].sort((x, y) => x - y) as [number, number]
      return aPrincipal({ tenant: whole.slice(0, i), iss: whole.slice(i, j), sub: whole.slice(j) })
    }
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), fc.nat(), fc.nat(), (whole, a, b, c, d) => {
        const [one, two] = [cut(whole, a, b), cut(whole, c, d)]
        const equal = one.tenant === two.tenant && one.iss === two.iss && one.sub === two.sub
        expect(principalKey(one) === principalKey(two)).toBe(equal)
      }),
      { numRuns: 2_000 },
    )
  })

  it('and a key begins with the tenant', () => {
    expect(principalKey(aPrincipal({ tenant: 'acme' }))).toMatch(/^\["acme",/)
  })
})
