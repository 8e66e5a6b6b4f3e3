// Null for a member that a request may leave out: many serialisers write it so, and it means that the member is not there. What MCP does
// not know is left as it is, since a null of somebody else's may mean something.
import type { Edit } from '../call/payload.ts'
import { isObject } from './is-object.ts'

/** Members of `params` that some request may leave out. */
const optional: ReadonlySet<string> = new Set([
  ...['_meta', 'arguments', 'cursor', 'context', 'inputResponses', 'requestState', 'task', 'notifications'],
])

/** The members of `params` that are written and not there, as edits that take them out; undefined where there is none. */
export function absentIn(params: Readonly<Record<string, unknown>>): Edit[] | undefined {
  let some = false
  for (const key in params) if (isAbsent(key, params[key])) some = true
  const bare = isObject(params.context) && params.context.arguments === null
  if (!some && !bare) return undefined
  const keys = Object.keys(params).filter((key) => isAbsent(key, params[key]))
  const paths = [...keys.map((key) => [key]), ...(bare ? [['context', 'arguments']] : [])]
  return paths.map((path) => ({ path, value: undefined }))
}

function isAbsent(key: string, value: unknown): boolean {
  return value === null ? optional.has(key) : value === '' && key === 'cursor'
}

/** Capabilities without the members, and the members of members, that are null. The same object where there is none. */
export function presentCapabilities<T extends Readonly<Record<string, unknown>>>(capabilities: T): T {
  let absent = false
  for (const key in capabilities) {
    const value = capabilities[key]
    if (value === null || (isObject(value) && Object.values(value).includes(null))) absent = true
  }
  return absent ? (withoutNulls(capabilities, 1) as T) : capabilities
}

function withoutNulls(object: Readonly<Record<string, unknown>>, deeper: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, deeper > 0 && isObject(value) ? withoutNulls(value, deeper - 1) : value]),
  )
}
