// Joins exits to doors for what a session-era server says outside any call: an event goes to the stream of the one session that owns the
// connection, a question to its client. Doors register their sessions here; rooms never meet.
import type { CallEvent } from '../core/call/exchange.ts'
import type { Payload } from '../core/call/payload.ts'
import type { Upstream } from '../core/ports/upstream.ts'
import type { OutsideSession } from '../downstream/legacy/outside.ts'
import type { Catalog } from '../gateway/catalog/index.ts'
import type { Outside } from '../upstream/index.ts'

export class Outsiders implements Outside {
  /** Set once they are made, after this. */
  upstreams: ReadonlyMap<string, Upstream> = new Map()
  catalog: Pick<Catalog, 'sessionEnded'> | undefined
  private readonly sessions = new Map<string, OutsideSession>()

  /** `affinity` is the `Caller.affinity` of the session's calls. Returns what takes it out again. */
  register(affinity: string, session: OutsideSession): () => void {
    this.sessions.set(affinity, session)
    return () => void this.sessions.delete(affinity)
  }

  rootsChanged(affinity: string): void {
    for (const upstream of this.upstreams.values()) upstream.rootsChanged?.(affinity)
  }

  sessionEnded(affinity: string): void {
    for (const upstream of this.upstreams.values()) upstream.sessionEnded?.(affinity)
    this.catalog?.sessionEnded(affinity)
  }

  event(session: string, event: CallEvent): void {
    this.sessions.get(session)?.event(event)
  }

  async ask(session: string, method: string, params: Payload | undefined): Promise<Payload | undefined> {
    return this.sessions.get(session)?.ask(method, params)
  }
}
