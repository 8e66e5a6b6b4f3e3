// What a server says before its answer to `initialize` (or to the probe) is here. A ping is answered at once, since some servers go on only
// then; the rest waits for the connection that it is for, though not for long: a server that waits for us while we wait for it would stand.
import { emptyObject } from '../../core/call/payload.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import { errorBytes, resultBytes } from '../../core/protocol/jsonrpc.ts'
import { code, header } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import type { HttpWire, IncomingNotification, IncomingRequest, Wire } from '../wire/wire.ts'

/** Messages that are kept for the connection. */
const mostKept = 64
/** How long a request of the server waits for the end of the handshake, in ms, before it is refused. */
const patienceMs = 250

export class EarlyMessages {
  private readonly context: Context
  private readonly wire: Wire
  private readonly headers: Readonly<Record<string, string>>
  private kept: (IncomingRequest | IncomingNotification)[] = []
  private patience: Timer | undefined
  private over = false

  /** Listens at once. `headers`: those of the credential. */
  constructor(context: Context, wire: Wire, headers: Readonly<Record<string, string>>) {
    this.context = context
    this.wire = wire
    this.headers = headers
    wire.onStray = this.take
  }

  readonly take = (message: IncomingRequest | IncomingNotification): void => {
    if (message.kind === 'request' && message.method === 'ping') {
      this.reply(resultBytes(message.id, emptyObject.bytes))
      return
    }
    if (this.over || this.kept.length >= mostKept) {
      this.refuse(message)
      return
    }
    this.kept.push(message)
    if (message.kind === 'request') this.patience ??= this.context.clock.timer(patienceMs, () => this.refuseKept())
  }

  /** The handshake is over: what was kept is for the connection. Nothing is kept after this. */
  handOver(): readonly (IncomingRequest | IncomingNotification)[] {
    this.patience?.cancel()
    const { kept } = this
    this.kept = []
    return kept
  }

  /** There will be no connection. */
  end(): void {
    this.over = true
    this.refuseKept()
  }

  private refuseKept(): void {
    const { kept } = this
    this.kept = kept.filter(({ kind }) => kind === 'notification' && !this.over)
    this.patience?.cancel()
    this.patience = undefined
    for (const message of kept) if (message.kind === 'request') this.refuse(message)
  }

  private refuse(message: IncomingRequest | IncomingNotification): void {
    const { report, id: upstream } = this.context
    if (message.kind === 'notification') {
      report.counters.add('events_dropped', { where: 'upstream' })
      return
    }
    report.counters.add('stray_requests', { upstream, method: 'other' })
    this.reply(errorBytes(message.id, { code: code.methodNotFound, message: 'Not answered: the handshake has not ended' }))
  }

  /** Over HTTP the session may have its id already, by the headers of the answer that is still to come. */
  private reply(message: Uint8Array): void {
    const session = this.wire.transport === 'streamable-http' ? (this.wire as HttpWire).sessionId : undefined
    const headers = session === undefined ? this.headers : { ...this.headers, [header.sessionId]: session }
    inBackground(this.context.report, 'connection', this.wire.post(message, headers))
  }
}
