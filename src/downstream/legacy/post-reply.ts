// The answer to one legacy POST: one JSON body where the answers come first and soon, else an event stream that can be resumed.
// A batch of 2025-03-26 is put together again, as one array or on one stream.
import type { ServerResponse } from 'node:http'
import type { Delivery } from '../../core/call/exchange.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { Heartbeat, HeartbeatTarget } from '../http/heartbeat.ts'
import { writeJson } from '../http/refusals.ts'
import { streamHeaders } from '../http/reply.ts'
import type { Channel } from './channel.ts'
import { joinBatch } from './message.ts'
import type { EventStream } from './stream.ts'

export interface PostParts {
  readonly res: ServerResponse
  /** What the client accepts. */
  readonly json: boolean
  readonly sse: boolean
  /** As `Channel.largest`, once it is a stream. */
  readonly largestEvent: number
  /** Requests that will be answered. */
  readonly expected: number
  readonly batch: boolean
  /** A stream of the session, registered for resumption. */
  readonly stream: () => EventStream
  /** Called once, when nothing more will come. */
  readonly done: (stream: EventStream | undefined) => void
  /** Beats answers that are late: they become a stream, so that a client that loses the connection can come back for them. */
  readonly late: Heartbeat
}

export class PostReply implements Channel, HeartbeatTarget {
  private readonly parts: PostParts
  private readonly answers: Uint8Array[] = []
  private left: number
  private over = false
  private stream: EventStream | undefined
  /** Why the caller has to show something else; it stands in the head of the answer, where that has not left. */
  private challenged: Fault | undefined

  constructor(parts: PostParts) {
    this.parts = parts
    this.left = parts.expected
    if (parts.sse) parts.late.add(this)
    if (!parts.json) this.open()
  }

  get largest(): number {
    return this.stream === undefined && this.parts.json ? Number.POSITIVE_INFINITY : this.parts.largestEvent
  }

  get streams(): boolean {
    return this.parts.sse
  }

  send(message: Uint8Array, droppable: boolean): void {
    if (this.left > 0 && this.parts.sse) this.open()?.send(message, droppable)
  }

  answer(message: Uint8Array, fault?: Fault): Delivery {
    this.left -= 1
    if (fault?.challenge !== undefined && fault.entry.status >= 400 && !this.parts.batch) this.challenged = fault
    if (this.stream !== undefined) {
      this.stream.send(message, false)
      this.close()
      // In the ring it can still be fetched by a client that is away.
      return 'delivered'
    }
    this.answers.push(message)
    const gone = this.parts.res.destroyed
    this.close()
    return gone ? 'client_gone' : 'delivered'
  }

  silence(): void {
    this.left -= 1
    this.close()
  }

  cut(): void {
    this.parts.res.destroy()
    this.leave()
  }

  /** Nothing is written here any more: somebody else answers the request. */
  leave(): void {
    if (this.over) return
    this.over = true
    this.left = 0
    this.parts.late.remove(this)
    this.parts.done(this.stream)
  }

  beat(): void {
    if (this.left > 0) this.open()
  }

  /** Undefined where the client went before it could learn of a stream: nobody could ever take it up. */
  private open(): EventStream | undefined {
    if (this.stream !== undefined) return this.stream
    this.parts.late.remove(this)
    if (this.parts.res.destroyed) return undefined
    this.stream = this.parts.stream()
    this.stream.attach(this.parts.res)
    for (const message of this.answers) this.stream.send(message, false)
    this.answers.length = 0
    return this.stream
  }

  private close(): void {
    if (this.left > 0 || this.over) return
    if (this.stream !== undefined) this.stream.finish()
    else if (!this.parts.res.destroyed) this.writeBody()
    this.leave()
  }

  private writeBody(): void {
    const { res, batch } = this.parts
    const [first] = this.answers
    if (first === undefined) {
      // Every request was cancelled: a stream without a first event, which nobody tries to resume.
      res.writeHead(200, streamHeaders as string[])
      res.end()
    } else writeJson(res, this.challenged?.entry.status ?? 200, batch ? joinBatch(this.answers) : asBuffer(first), this.challenged)
  }
}
