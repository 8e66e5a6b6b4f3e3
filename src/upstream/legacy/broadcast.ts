// Some bridges put one stdio server behind HTTP+SSE and hand all that it says to every client that is connected. Then its questions and log
// messages come to all our connections, and may even be for the clients of others: whose they are is told over all connections together.
import type { Context } from '../context.ts'

/** What is seen of one connection. */
export interface Listener {
  readonly callsInFlight: number
  /** Calls in flight that a server may ask. */
  readonly suspendableCalls: readonly unknown[]
}

export class Broadcast {
  private readonly listeners = new Set<Listener>()
  private heard = false
  private outsiders = false

  /** An answer came to a connection that had not asked. */
  get isHeard(): boolean {
    return this.heard
  }

  /** Others than this gateway are connected, and nothing is known of their calls. */
  get hasOutsiders(): boolean {
    return this.outsiders
  }

  /** Calls in flight, over all connections, that the server may ask. */
  get suspendable(): number {
    let calls = 0
    for (const { suspendableCalls } of this.listeners) calls += suspendableCalls.length
    return calls
  }

  /** One call alone is in flight, so what is said is about it. */
  get isOnlyCall(): boolean {
    let calls = 0
    for (const { callsInFlight } of this.listeners) calls += callsInFlight
    return calls === 1 && !this.outsiders
  }

  join(listener: Listener): void {
    this.listeners.add(listener)
  }

  leave(listener: Listener): void {
    this.listeners.delete(listener)
  }

  /** Refuses what must be refused once. */
  isFirst(listener: Listener): boolean {
    const [first] = this.listeners
    return first === listener
  }

  /** An answer was heard where nobody had asked; `ours`: another connection of this gateway had. True where that is news. */
  overheard(ours: boolean): boolean {
    const news = !this.heard || (!ours && !this.outsiders)
    this.heard = true
    if (!ours) this.outsiders = true
    return news
  }
}

/** An answer came that nobody on the connection had asked for. */
export function overhear({ id: upstream, ids, report }: Context, broadcast: Broadcast, id: string): void {
  if (!broadcast.overheard(ids.issued(id))) return
  const mend = `questions that cannot be told apart are refused; servers.${upstream}.sharing: shared brings all calls to one connection`
  report.log('warn', 'An upstream sends what it says to all its clients', { upstream, mend })
}
