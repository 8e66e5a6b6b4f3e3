// What is exported of one signal: waits in a queue, and leaves once what exporting needs is loaded. What cannot be exported is counted.
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import { type Encoding, type ExportEvents, ExportQueue } from './export-queue.ts'
import { openSender } from './open-sender.ts'
import type { OtlpTarget } from './target.ts'

export interface ExporterParts {
  readonly target: OtlpTarget
  readonly counted: Pick<ExportEvents, 'taken' | 'dropped'>
  /** Items that wait at most. */
  readonly mostQueued: number
  readonly proxies: Pick<Proxies, 'find'> | undefined
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
}

export class Exporter<T> {
  private readonly parts: ExporterParts
  private readonly queue: ExportQueue<T>
  private off = false

  constructor(parts: ExporterParts) {
    this.parts = parts
    const { clock, random, mostQueued } = parts
    this.queue = new ExportQueue({ clock, random, mostQueued, events: eventsOf(parts) })
  }

  /** Whether the collector cannot be spoken to as configured. */
  get isOff(): boolean {
    return this.off
  }

  /** Items that wait or are on their way. */
  get size(): number {
    return this.queue.size
  }

  /** `matters`: is dropped last. */
  add(items: readonly T[], matters: boolean): void {
    this.queue.add(items, matters)
  }

  /** Before that what is added waits. Never rejects. */
  async start(load: () => Promise<Encoding<T>>): Promise<void> {
    const { target, clock, proxies, report } = this.parts
    const what = named[target.signal]
    try {
      const encoding = await load()
      this.queue.open(await openSender(target, clock, proxies), encoding)
      report.log('info', `${what} are exported`, { endpoint: target.url.origin, protocol: target.protocol })
    } catch (error) {
      // Certificates that are none, a proxy that cannot be used: calls are served all the same.
      this.off = true
      report.log('error', `${what} are not exported: the collector cannot be spoken to as configured`, { reason: String(error) })
    }
  }

  /** Sends what waits, for so long. Never rejects. */
  end(withinMs: number): Promise<void> {
    return this.queue.end(withinMs).catch((bug: unknown) => reportBug(this.parts.report, 'telemetry', bug))
  }
}

const named = { traces: 'Traces', metrics: 'Metrics', logs: 'Logs' } as const

function eventsOf({ target: { signal }, counted, report }: ExporterParts): ExportEvents {
  return {
    ...counted,
    turned: (reason) => {
      if (reason === undefined) report.log('info', `The collector takes ${signal} again`)
      else report.log('warn', `The collector does not take ${signal}; they wait, as far as there is room`, { reason })
    },
    bug: (bug) => reportBug(report, 'telemetry', bug),
  }
}
