// The requests that are here now, each with the one place where it is heard that it is over: answered, or its client gone. Listeners of
// its own for everybody who wants to know would cost more than the rest of the door.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Place, Roster } from '../../core/call/roster.ts'

export class Visit {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  private next: (() => void) | undefined
  private ended = false

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.req = req
    this.res = res
  }

  get over(): boolean {
    return this.ended
  }

  /** True where the whole answer went to a connection that lives. To be asked when the visit is over. */
  get delivered(): boolean {
    return this.res.writableFinished && !this.req.socket.destroyed
  }

  /** What happens once it is over, in place of what was to happen before; now, where it is over already. */
  whenOver(next: () => void): void {
    if (this.ended) next()
    else this.next = next
  }

  end(): void {
    this.ended = true
    this.next?.()
  }
}

export class Visits implements Iterable<Visit> {
  /** Called whenever the last one is over. */
  onIdle: (() => void) | undefined
  private readonly here = new Roster<Visit>()
  private readonly behind = new Set<Visit>()

  get size(): number {
    return this.here.size
  }

  [Symbol.iterator](): Iterator<Visit> {
    return this.here[Symbol.iterator]()
  }

  begin(req: IncomingMessage, res: ServerResponse): Visit {
    const visit = new Visit(req, res)
    const place = this.here.enter(visit)
    res.on('close', () => this.over(visit, place))
    if (res.socket === null) this.behind.add(visit)
    return visit
  }

  /**
   * A connection is gone. A pipelined request waits for those before it: its response has no connection yet and, on Node.js 20, never hears
   * of its end by itself.
   */
  hungUp(socket: Socket): void {
    for (const { req, res } of this.behind) if (req.socket === socket && res.socket === null) res.destroy().emit('close')
  }

  private over(visit: Visit, place: Place<Visit>): void {
    if (visit.over) return
    this.here.leave(place)
    this.behind.delete(visit)
    visit.end()
    if (this.here.size === 0) this.onIdle?.()
  }
}
