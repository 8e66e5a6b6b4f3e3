// Keys of stores and caches. A store takes nothing but these, so that a key which does not begin with its tenant is a compile error, and
// what two tenants keep under one name can never meet.

declare const made: unique symbol

/** JSON of an array whose first element is the tenant, or `null` for what belongs to the gateway itself. */
export type TenantKey = string & { readonly [made]: true }

/** The tenant of a set-up that has one. */
export const defaultTenant = 'default'

/** The key of something that belongs to a tenant. JSON, since a separator could stand in any of the parts. */
export function tenantKey(tenant: string, ...parts: readonly string[]): TenantKey {
  return JSON.stringify([tenant, ...parts]) as TenantKey
}

/** The key of something that no tenant owns, such as the topic on which replicas talk. No tenant's name can make the same key. */
export function gatewayKey(...parts: readonly [string, ...string[]]): TenantKey {
  return JSON.stringify([null, ...parts]) as TenantKey
}
