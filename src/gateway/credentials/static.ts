// A credential that stands in the configuration of a server, or in a file that it names: the same until an operator replaces it.
import type { Principal } from '../../core/call/principal.ts'
import type { CredentialLease, Credentials } from '../../core/ports/credentials.ts'

/** `headers` of the server's configuration, by name in any case. `isGiven`: the server has a credential of another kind from there, as a child has in its environment. */
export function staticCredentials(headers: Readonly<Record<string, string>>, isGiven = false): Credentials {
  const carried = lowerCase(headers)
  const lease: CredentialLease = {
    id: Object.keys(carried).length === 0 && !isGiven ? '' : 'static',
    headers: () => carried,
    // It is all there is: an operator has to renew it.
    reject: () => false,
  }
  return { forCaller: () => lease, forDiscovery: () => lease }
}

export function lowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** A value that may be replaced while it is used. `changed` is told of each new one. */
export interface Replaceable {
  /** As it stands now; undefined where it cannot be read. */
  readonly value: string | undefined
  /** Reads it anew. */
  look(): void
}

/**
 * One value for all. The value before a replacement is used where the server does not take the new one yet, and the other way round, so
 * that it does not matter whether the server or the file learns of it first.
 */
export class ReplaceableSecret {
  private readonly source: Replaceable
  private readonly carry: (value: string) => Readonly<Record<string, string>>
  private readonly id: string
  private before: Held | undefined
  private now: Held | undefined
  /** Refused: the other is used. */
  private useBefore = false

  constructor(id: string, source: Replaceable, carry: (value: string) => Readonly<Record<string, string>>) {
    this.id = id
    this.source = source
    this.carry = carry
  }

  /** Undefined where there is no value. */
  current(): CredentialLease | undefined {
    const { value } = this.source
    if (value !== undefined && value !== this.now?.value) {
      this.before = this.now
      this.now = this.held(value)
      this.useBefore = false
    }
    return (this.useBefore ? this.before : this.now)?.lease
  }

  private held(value: string): Held {
    const headers = this.carry(value)
    const held: Held = { value, lease: { id: this.id, headers: () => headers, reject: () => this.reject(held) } }
    return held
  }

  private reject(refused: Held): boolean {
    this.source.look()
    const { now, before, source } = this
    if (source.value !== now?.value || (this.useBefore ? before : now) !== refused) return true
    if (before === undefined) return false
    // Both were refused one after the other: there is nothing else to try until the file changes.
    if (this.useBefore) {
      this.useBefore = false
      this.before = undefined
      return true
    }
    this.useBefore = true
    return true
  }
}

interface Held {
  readonly value: string
  readonly lease: CredentialLease
}

/** Values of single callers. */
export function userSecret(
  users: readonly { readonly sub: string; readonly iss?: string | undefined; readonly secret: string }[],
  { sub, iss }: Principal,
): { readonly index: number; readonly secret: string } | undefined {
  const index = users.findIndex((user) => user.sub === sub && (user.iss === undefined || user.iss === iss))
  const found = users[index]
  return found === undefined ? undefined : { index, secret: found.secret }
}
