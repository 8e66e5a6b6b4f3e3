// The requests that are here now, each with the one place where it is heard that it is over: answered, or its client gone. Listeners of
// its own for everybody who wants to know would cost more than the rest of the door.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { IntrusiveList, type ListEntry } from '../../core/call/intrusive-list.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Report } from '../../core/ports/report.ts'

export class OpenRequest {
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

  /** True where the whole answer went to a connection that lives. To be asked when the request is over. */
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

export class OpenRequests implements Iterable<OpenRequest> {
  /** Called whenever the last one is over. */
  onIdle: (() => void) | undefined
  private readonly here = new IntrusiveList<OpenRequest>()
  private readonly behind = new Set<OpenRequest>()

  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  get size(): number {
    return this.here.size
  }

  [Symbol.iterator](): Iterator<OpenRequest> {
    return this.here[Symbol.iterator]()
  }

  begin(req: IncomingMessage, res: ServerResponse): OpenRequest {
    const openRequest = new OpenRequest(req, res)
    const place = this.here.enter(openRequest)
    res.on('close', () => this.over(openRequest, place))
    if (res.socket === null) this.behind.add(openRequest)
    return openRequest
  }

  /**
   * A connection is gone. A pipelined request waits for those before it: its response has no connection yet and, on Node.js 20, never hears
   * of its end by itself.
   */
  hungUp(socket: Socket): void {
    for (const { req, res } of this.behind) if (req.socket === socket && res.socket === null) res.destroy().emit('close')
  }

  private over(openRequest: OpenRequest, place: ListEntry<OpenRequest>): void {
    if (openRequest.over) return
    this.here.leave(place)
    this.behind.delete(openRequest)
    try {
      openRequest.end()
    } catch (bug) {
      reportBug(this.report, 'http_door', bug)
    }
    if (this.here.size === 0) this.onIdle?.()
  }
}
