// Headers that tell a server who calls, by a text of the configuration with what is known of the caller.
import type { Principal } from '../../core/call/principal.ts'

/** By name in lower case. What a header cannot carry is percent-encoded (RFC 8187 without its frame), so that no caller adds a header by its name. */
export function callerHeaders(templates: Readonly<Record<string, string>>): (principal: Principal) => Readonly<Record<string, string>> {
  const own = Object.entries(templates).map(([name, text]) => [name.toLowerCase(), text] as const)
  return (principal) => {
    const { sub, iss, tenant, clientId, groups } = principal
    const known: Readonly<Record<string, string>> = { sub, iss, tenant, client: clientId ?? '', groups: groups.join(',') }
    return Object.fromEntries(
      own.map(([name, text]) => [name, text.replace(/\{(\w+)\}/g, (whole, key: string) => encoded(known[key] ?? whole))]),
    )
  }
}

function encoded(value: string): string {
  return value.replace(/[^\x20-\x7e]|%/g, (one) => encodeURIComponent(one))
}
