// The credentials of all servers: each by its configuration, told of by one poll of the store, so that a grant which was renewed or revoked
// elsewhere is seen here.
import type { Principal } from '../../core/call/principal.ts'
import type { Timer } from '../../core/ports/clock.ts'
import type { Credentials } from '../../core/ports/credentials.ts'
import { Discovery } from './discovery.ts'
import type { GrantKey } from './grants.ts'

export { type EndedGrant, type IssuerKnows, Revocation } from './revocation.ts'

import { type CredentialsParts, ServerCredentials, type ServerOfCredentials } from './server-credentials.ts'
import { staticCredentials } from './static.ts'

export { type GrantFilter, type ListedGrant, listGrants } from './grant-list.ts'

/** How often grants are looked at that others may have changed, in ms. */
const pollMs = 2_000
export class UpstreamCredentials {
  readonly discovery: Discovery
  private readonly parts: CredentialsParts
  private made: readonly ServerCredentials[] = []
  private polling: Timer | undefined
  private lookedAt: number
  private closed = false

  constructor(parts: CredentialsParts) {
    this.parts = parts
    this.discovery = new Discovery(parts.fetch, parts.issuers, parts.clock)
    this.lookedAt = parts.clock.now()
  }

  /** The credentials of one server, made once for each. */
  of(server: ServerOfCredentials): Credentials {
    const { auth } = server
    const fixed = staticCredentials(server.headers)
    if (auth.type === 'none') return fixed
    const made = new ServerCredentials(this.parts, this.discovery, server, fixed)
    this.made = [...this.made, made]
    this.polling ??= this.parts.clock.timer(pollMs, () => this.poll())
    return made
  }

  /** Credentials that `of` gave and nobody uses any more. */
  release(credentials: Credentials): void {
    const found = this.made.find((one) => one === credentials)
    if (found === undefined) return
    this.made = this.made.filter((one) => one !== found)
    found.close()
  }

  /** A caller was let in with a credential for the first time. */
  callerSeen(principal: Principal): void {
    for (const one of this.made) one.callerSeen(principal)
  }

  /** A user gave or lost a grant here. */
  changed(key: GrantKey): void {
    for (const one of this.made) one.changed(key, undefined)
  }

  close(): void {
    this.closed = true
    this.polling?.cancel()
    for (const one of this.made) one.close()
  }

  private poll(): void {
    const from = this.lookedAt
    const now = this.parts.clock.now()
    this.parts.grants
      .changedSince(from)
      .then(
        (changes) => {
          this.lookedAt = now
          for (const { key, version, status } of changes)
            for (const one of this.made) one.changed(key, { version, usable: status === 'active' })
        },
        // What is wrong with the store it has told itself.
        () => undefined,
      )
      .finally(() => {
        if (!this.closed) this.polling = this.parts.clock.timer(pollMs, () => this.poll())
      })
  }
}
