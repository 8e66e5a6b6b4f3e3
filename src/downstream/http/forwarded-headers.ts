// Client headers that some upstream opted in to, by name; no other leaves the door.
import type { IncomingHttpHeaders } from 'node:http'

/** Undefined where there are none. Names in lower case. */
export function forwardedHeaders(headers: IncomingHttpHeaders, names: ReadonlySet<string>): Readonly<Record<string, string>> | undefined {
  let picked: Record<string, string> | undefined
  for (const name of names) {
    const value = headers[name]
    if (value === undefined) continue
    picked ??= {}
    picked[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return picked
}
