import { describe, expect, expectTypeOf, it } from 'vitest'
import fc from '../../../test/property.ts'
import type { Ephemeral } from '../ports/ephemeral.ts'
import { gatewayKey, type TenantKey, tenantKey } from './tenant-key.ts'

describe('the key of a store', () => {
  it('is equal for equal tenants and parts, and for no others', () => {
    const parts = fc.array(fc.string(), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.string(), parts, fc.string(), parts, (tenant, a, other, b) => {
        const equal = JSON.stringify([tenant, a]) === JSON.stringify([other, b])
        expect(tenantKey(tenant, ...a) === tenantKey(other, ...b)).toBe(equal)
      }),
    )
  })

  it('begins with the tenant, and no tenant is named so that it meets what is the gateway’s own', () => {
    expect(tenantKey('acme', 'session', '1').startsWith(`${JSON.stringify(['acme']).slice(0, -1)},`)).toBe(true)
    fc.assert(fc.property(fc.string(), (tenant) => tenantKey(tenant, 'x') !== gatewayKey('x')))
  })

  it('is no text that somebody put together: that does not compile', () => {
    expectTypeOf<string>().not.toExtend<TenantKey>()
    expectTypeOf<`["${string}",${string}]`>().not.toExtend<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['get']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['put']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['delete']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['take']>[0][number]['key']>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['lease']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['append']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['read']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['publish']>[0]>().toEqualTypeOf<TenantKey>()
    expectTypeOf<Parameters<Ephemeral['subscribe']>[0]>().toEqualTypeOf<TenantKey>()
  })
})
