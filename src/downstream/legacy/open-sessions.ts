// The legacy sessions that are open in this gateway, whatever carries them, for operators. Their ids are secrets: whoever has one may go on with the
// session.
import { createHash } from 'node:crypto'
import type { Principal } from '../../core/call/principal.ts'

/** What of a session is looked at. */
interface Session {
  readonly profile: {
    readonly id: string
    readonly transport: string
    readonly mount: string
    readonly principal: Principal
    readonly handshake: { readonly revision: string; readonly client: OpenSession['client'] }
  }
  readonly busy: number
}

export interface OpenSession {
  /** The same for the same session, and nothing that it could be used by. */
  readonly id: string
  readonly client: { readonly name: string; readonly version: string } | undefined
  readonly principal: Principal
  readonly transport: string
  readonly revision: string
  readonly mount: string
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
  /** Calls that run. */
  readonly calls: number
}

export class OpenSessions {
  private readonly since = new Map<Session, number>()

  add(session: Session, nowMs: number): void {
    this.since.set(session, nowMs)
  }

  delete(session: Session): void {
    this.since.delete(session)
  }

  list(): readonly OpenSession[] {
    return [...this.since].map(([{ profile, busy }, sinceMs]) => {
      const { id, transport, mount, principal, handshake } = profile
      const hash = createHash('sha256').update(id).digest('hex').slice(0, 16)
      return { id: hash, client: handshake.client, principal, transport, revision: handshake.revision, mount, sinceMs, calls: busy }
    })
  }
}
