// One event stream of a legacy HTTP session, which outlives its connection: what was sent is kept in a bounded ring, so that a client
// that lost the connection takes up where it was (MCP 2025-11-25 §resumability, Last-Event-ID).
import type { ServerResponse } from 'node:http'
import type { Report } from '../../core/ports/report.ts'
import { sseComment, sseEvent, sseRetry } from '../../core/protocol/sse.ts'
import type { Heartbeat, HeartbeatTarget } from '../http/heartbeat.ts'
import { streamHeaders } from '../http/reply.ts'
import { cutIfStuck, isSlow } from '../http/slow-client.ts'
import type { Ring, RingBudget } from './ring-budget.ts'

/** Most events kept of one stream, and most bytes; the newest stays in any case. */
const ringEvents = 256
const ringBytes = 1_048_576
/** What clients wait before they reconnect, in ms. */
export const reconnectMs = 1_000

interface Kept {
  readonly seq: number
  readonly data: Uint8Array
}

export interface StreamParts {
  /** Unique in its session; part of every event id. */
  readonly id: string
  /** Revisions from 2025-11-25 begin a stream with an event that has an id and no data. */
  readonly primes: boolean
  readonly heartbeat: Heartbeat
  readonly report: Report
  /** Shared by all streams. */
  readonly budget: RingBudget
}

export class EventStream implements HeartbeatTarget, Ring {
  readonly id: string
  private readonly parts: StreamParts
  private ring: Kept[] = []
  private size = 0
  private next = 1
  private sent = 0
  private res: ServerResponse | undefined
  private done = false

  constructor(parts: StreamParts) {
    this.parts = parts
    this.id = parts.id
  }

  get attached(): boolean {
    return this.res !== undefined
  }

  /** True once nothing more will come. */
  get over(): boolean {
    return this.done
  }

  /** Bytes held for a client that comes back. */
  get bytes(): number {
    return this.size
  }

  /** Whether there is, or will be, something after an event. */
  hasAfter(seq: number): boolean {
    return !this.done || (this.ring.length > 0 && seq < this.next - 1)
  }

  /** Sends over this response from now on, first what came after `after` (default: what was never sent). Another response is ended. */
  attach(res: ServerResponse, after?: number): void {
    this.detach(reconnectMs)
    const from = after ?? this.sent
    this.res = res
    res.writeHead(200, streamHeaders as string[])
    if (this.parts.primes) {
      const id = this.eventId(from)
      res.write(sseEvent(readsRetry(res) ? { id, retryMs: reconnectMs, data: nothing } : { id, data: nothing }))
    } else res.flushHeaders()
    for (const kept of this.ring) if (kept.seq > from) this.write(kept)
    res.on('close', () => {
      if (this.res === res) this.forget()
    })
    if (res.destroyed) this.forget()
    else if (this.done) this.end()
    else this.parts.heartbeat.add(this)
  }

  send(data: Uint8Array, droppable: boolean): void {
    if (this.done) return
    const { res } = this
    if (droppable && res !== undefined && isSlow(res)) {
      this.parts.report.counters.add('events_dropped', { where: 'legacy_stream' })
      return
    }
    const kept = { seq: this.next, data }
    this.next += 1
    this.keep(kept)
    if (res !== undefined) this.write(kept)
  }

  /** Nothing more will come; the response ends when all of it is out. */
  finish(): void {
    if (this.done) return
    this.done = true
    this.end()
  }

  /** Ends the connection and not the stream. */
  detach(retryMs: number): void {
    const { res } = this
    if (res === undefined) return
    this.forget()
    if (readsRetry(res)) res.write(sseRetry(retryMs))
    res.end()
  }

  /** Nobody will come back for it. */
  discard(): void {
    const { size } = this
    this.ring = []
    this.size = 0
    this.parts.budget.shrank(this, size, true)
  }

  letGo(what: 'sent' | 'all'): number {
    const before = this.size
    const kept = what === 'all' ? this.ring.length : this.ring.findIndex(({ seq }) => seq > this.sent)
    for (const gone of this.ring.splice(0, kept < 0 ? this.ring.length : kept)) this.lost(gone)
    return before - this.size
  }

  beat(): void {
    if (this.res !== undefined && this.res.writableLength === 0) this.res.write(comment)
  }

  private write(kept: Kept): void {
    const { res } = this
    if (res === undefined) return
    this.sent = Math.max(this.sent, kept.seq)
    res.write(sseEvent({ id: this.eventId(kept.seq), event: 'message', data: kept.data }))
    this.parts.heartbeat.wrote(this)
    // The client may resume.
    cutIfStuck(res, kept.data.length, this.parts.report)
  }

  private keep(kept: Kept): void {
    this.ring.push(kept)
    this.size += kept.data.length
    const before = this.size
    while (this.ring.length > 1 && (this.ring.length > ringEvents || this.size > ringBytes)) {
      const gone = this.ring.shift()
      if (gone !== undefined) this.lost(gone)
    }
    if (this.size < before) this.parts.budget.shrank(this, before - this.size, false)
    this.parts.budget.grew(this, kept.data.length)
  }

  private lost(gone: Kept): void {
    this.size -= gone.data.length
    if (gone.seq > this.sent) this.parts.report.counters.add('events_dropped', { where: 'legacy_ring' })
  }

  private end(): void {
    const { res } = this
    this.forget()
    res?.end()
  }

  private forget(): void {
    this.res = undefined
    this.parts.heartbeat.remove(this)
  }

  private eventId(seq: number): string {
    return `${this.id}-${seq}`
  }
}

export interface EventId {
  readonly stream: string
  readonly seq: number
}

/** Stream and position of a Last-Event-ID of ours. */
export function readEventId(id: string): EventId | undefined {
  const at = id.lastIndexOf('-')
  const seq = at < 0 ? '' : id.slice(at + 1)
  return /^\d{1,15}$/.test(seq) ? { stream: id.slice(0, at), seq: Number(seq) } : undefined
}

/** Clients of the Java SDK (to 1.1) take a line of `retry:` for a broken stream; their HTTP client tells who they are. */
function readsRetry(res: ServerResponse): boolean {
  return res.req.headers['user-agent']?.startsWith('Java-http-client/') !== true
}

const nothing = Buffer.alloc(0)
const comment = sseComment()
