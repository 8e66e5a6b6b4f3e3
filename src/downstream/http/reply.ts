// The answer to one modern request as it leaves: one JSON body if the result comes first, an event stream as soon as something comes
// before it (MCP 2026-07-28 §transports). What a slow client may hold up is bounded.

import type { ServerResponse } from 'node:http'
import type { CallFields } from '../../core/call/call-fields.ts'
import type { CallEvent, Sink } from '../../core/call/exchange.ts'
import type { Complete } from '../../core/call/outcome.ts'
import type { Report } from '../../core/ports/report.ts'
import { dataNameBytes, sseComment, sseEvent } from '../../core/protocol/sse.ts'
import { tooLargeToTell } from '../door.ts'
import type { Answer, ModernWriter } from '../modern/answer.ts'
import type { Asked } from '../modern/receive.ts'
import type { Accepted } from './accept.ts'
import type { Heartbeat, HeartbeatTarget } from './heartbeat.ts'
import { writeJson } from './refusals.ts'
import { cutIfStuck, isSlow } from './slow-client.ts'

/** A client that takes a finished answer slower than this is cut off after `graceMs` (bytes per ms). */
const slowest = 16
const graceMs = 30_000

export const streamHeaders: readonly string[] = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-cache',
  'X-Accel-Buffering',
  'no',
]

const comment = sseComment()

export class Reply implements Sink, HeartbeatTarget {
  heartbeatEntry: HeartbeatTarget['heartbeatEntry']
  private readonly res: ServerResponse
  private readonly asked: Asked
  private readonly writer: ModernWriter
  private readonly heartbeat: Heartbeat
  private readonly report: Report
  private readonly listens: boolean
  private readonly accept: Accepted
  private readonly eventBytes: number
  private streaming = false
  private answered = false
  private dropped = 0
  private droppedLarge = false
  private dueAt = Number.POSITIVE_INFINITY
  private answerBytes = 0

  constructor(
    res: ServerResponse,
    asked: Asked,
    writer: ModernWriter,
    heartbeat: Heartbeat,
    report: Report,
    accept: Accepted,
    eventBytes: number,
  ) {
    this.res = res
    this.asked = asked
    this.writer = writer
    this.heartbeat = heartbeat
    this.report = report
    this.accept = accept
    this.eventBytes = eventBytes
    this.listens = asked.method === 'subscriptions/listen'
  }

  /** True once the final answer was handed to the stream. */
  get ended(): boolean {
    return this.answered
  }

  emit(event: CallEvent): void {
    // Who takes no event stream gets the answer alone.
    if (this.answered || this.res.destroyed || !this.accept.sse) return
    const bytes = this.writer.event(this.asked, event)
    if (bytes === undefined) return
    if (dataNameBytes + bytes.length > this.eventBytes) {
      this.dropLarge(bytes.length)
      return
    }
    if (isSlow(this.res)) {
      this.overflow()
      return
    }
    this.open()
    this.res.write(sseEvent({ event: 'message', data: bytes }))
    cutIfStuck(this.res, bytes.length, this.report)
    this.heartbeat.wrote(this)
  }

  fits(result: Complete): boolean {
    if (!this.streaming && this.accept.json) return true
    return dataNameBytes + this.writer.answer(this.asked, result, true).bytes.length <= this.eventBytes
  }

  /** Sends the final answer, whatever waits before it. */
  end(answer: Answer): void {
    if (this.answered) return
    this.answered = true
    if (this.res.destroyed) return
    this.answerBytes = answer.bytes.length
    if (!this.accept.json) this.open()
    if (this.streaming) this.res.end(sseEvent({ event: 'message', data: answer.bytes }))
    else writeJson(this.res, answer.status, answer.bytes, answer.fault)
  }

  beat(nowMs: number): void {
    if (this.answered) {
      this.watchFlush(nowMs)
      return
    }
    if (!this.accept.sse) return
    // A client that has not taken what is there needs no comment to keep its connection alive.
    if (this.res.writableLength > 0 && this.streaming) return
    this.open()
    this.res.write(comment)
  }

  private open(): void {
    if (this.streaming) return
    this.streaming = true
    this.res.writeHead(200, streamHeaders as string[])
  }

  /** Clients may end their session at an event that is too large for them, which what is told on the way is not worth. */
  private dropLarge(bytes: number): void {
    this.report.counters.add('events_dropped', { where: 'size' })
    if (this.droppedLarge) return
    this.droppedLarge = true
    this.report.log('warn', tooLargeToTell, { bytes, limit: this.eventBytes, ...this.named() })
  }

  /** A missed progress message is no loss; a missed change is, so a listener is cut and will list anew. */
  private overflow(): void {
    this.dropped += 1
    this.report.counters.add('events_dropped', { where: 'http' })
    if (this.dropped === 1) {
      this.report.log('warn', 'A client reads its stream too slowly, events are dropped', this.named())
    }
    if (this.listens) this.res.destroy()
  }

  private named(): CallFields {
    const { correlationId: id, run, turn, trace } = this.asked
    return { id, run, turn, trace }
  }

  private watchFlush(nowMs: number): void {
    if (this.dueAt === Number.POSITIVE_INFINITY) this.dueAt = nowMs + graceMs + this.answerBytes / slowest
    // It is not gone by the next beat, so it counts among what all clients hold up.
    cutIfStuck(this.res, this.answerBytes, this.report)
    if (nowMs < this.dueAt) return
    this.report.log('warn', 'A client took its answer too slowly and was cut off', this.named())
    this.res.destroy()
  }
}
