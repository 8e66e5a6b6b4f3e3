// What of a row of the audit is for auditors alone: what agents sent, and their own words for why.
import { includes, type Role } from './role.ts'

const payloads: ReadonlySet<string> = new Set(['arguments', 'why'])

/** The same with null in the place of payloads, at every depth, for who may not read them. */
export function withoutPayloads(value: object, role: Role): object {
  return includes(role, 'auditor') ? value : (stripped(value) as object)
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, payloads.has(key) ? null : stripped(member)]))
}
