// Streams of server-sent events to operators. What one of them does not read in time ends it, and how many there are is bounded: none holds up the
// gateway.
import type { ServerResponse } from 'node:http'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { sseComment, sseEvent } from '../../core/protocol/sse.ts'
import { Heartbeat, type HeartbeatTarget } from '../http/heartbeat.ts'
import { Problem } from './problem.ts'

/** Streams at once. */
const mostStreams = 32
/** Unsent bytes of a stream above which it ends. */
const mostUnsent = 1_048_576
const keepAliveMs = 15_000

export interface OperatorStream {
  send(event: string, data: unknown): void
}

export class EventStreams {
  private readonly report: Report
  private readonly heartbeat: Heartbeat
  private readonly open = new Map<ServerResponse, HeartbeatTarget>()

  constructor(clock: Clock, report: Report) {
    this.report = report
    this.heartbeat = new Heartbeat(clock, keepAliveMs)
  }

  /** Throws a `Problem` where there are too many. */
  checkRoom(): void {
    if (this.open.size < mostStreams) return
    const detail = `${mostStreams} event streams are open, and more there are not. Close one, or come back later.`
    throw new Problem(503, 'Too many streams', detail, { headers: { 'retry-after': '10' } })
  }

  /** `ended`: the client has gone, was cut off, or the door has closed; called once. */
  begin(res: ServerResponse, ended: () => void): OperatorStream {
    res.writeHead(200, ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store', 'X-Accel-Buffering', 'no'])
    const target: HeartbeatTarget = { beat: () => this.write(res, sseComment()) }
    this.open.set(res, target)
    this.heartbeat.add(target)
    res.on('close', () => {
      this.heartbeat.remove(target)
      this.open.delete(res)
      ended()
    })
    // So that a client knows at once that it listens.
    this.write(res, sseComment('open'))
    return {
      send: (event, data) => {
        this.heartbeat.wrote(target)
        this.write(res, sseEvent({ event, data: Buffer.from(JSON.stringify(data)) }))
      },
    }
  }

  /** Ends all streams, which is no failure of theirs. */
  end(): void {
    for (const res of this.open.keys()) res.end()
  }

  private write(res: ServerResponse, bytes: Buffer): void {
    if (res.destroyed || res.writableEnded) return
    res.write(bytes)
    if (res.writableLength <= mostUnsent) return
    this.report.counters.add('clients_cut', { unsent: 'own' })
    this.report.log('warn', 'An operator reads its events too slowly and was cut off', { unsentBytes: res.writableLength })
    res.destroy()
  }
}
