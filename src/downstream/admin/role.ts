// What callers of the admin door may do. Each address names the role that it needs.

/**
 * `viewer` reads metadata; `operator` acts on servers, limits, alerts and tools besides; `auditor` reads payloads besides (arguments, rows of the
 * audit); `admin` may do all, keys, grants and the configuration too.
 */
export const roles = ['viewer', 'operator', 'auditor', 'admin'] as const

export type Role = (typeof roles)[number]

const included: Readonly<Record<Role, ReadonlySet<Role>>> = {
  viewer: new Set(['viewer']),
  operator: new Set(['viewer', 'operator']),
  auditor: new Set(['viewer', 'auditor']),
  admin: new Set(roles),
}

/** Whether who has a role may do what needs the other. */
export function includes(has: Role, needed: Role): boolean {
  return included[has].has(needed)
}
