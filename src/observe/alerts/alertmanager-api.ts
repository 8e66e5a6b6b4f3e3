// Incidents for a Prometheus Alertmanager (API v2), which groups, routes, silences and repeats by itself: what is open is sent again as long as
// it is, and once with its end. Labels are those of the incident that never change, so that gateways that see the same are one alert there.
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Report } from '../../core/ports/report.ts'
import { deliveredBy } from './output.ts'
import type { ShownIncident } from './shown.ts'

export interface AlertmanagerParts {
  readonly name: string
  readonly url: string
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly report: Report
  /** Those that are open and told, and those that ended within `endedMs`, with their end. */
  readonly incidents: () => readonly ShownIncident[]
}

/** Alertmanager takes an alert as over that is not sent again for so long, in ms. */
export const forgottenMs = 300_000
/** How long an end is sent, so that a receiver that was away hears of it. */
export const endedMs = 900_000
const resendMs = 60_000
/** Of one request. */
const mostAlerts = 200

export class Alertmanager {
  readonly name: string
  readonly address: string
  failing = 0
  private readonly parts: AlertmanagerParts
  private readonly endpoint: string
  private timer: Timer | undefined
  private sending = false
  private wanted = false
  private ended = false

  constructor(parts: AlertmanagerParts) {
    this.parts = parts
    this.name = parts.name
    this.address = new URL(parts.url).origin
    this.endpoint = `${parts.url.replace(/\/+$/, '')}/api/v2/alerts`
  }

  /** Sends all at once, as something changed. */
  wake(): void {
    if (this.ended) return
    if (this.sending) {
      this.wanted = true
      return
    }
    this.timer?.cancel()
    this.sending = true
    void this.send().then(() => {
      this.sending = false
      if (this.ended) return
      if (this.wanted) {
        this.wanted = false
        this.wake()
      } else this.timer = this.parts.clock.timer(resendMs, () => this.wake())
    })
  }

  end(): void {
    this.ended = true
    this.timer?.cancel()
  }

  private async send(): Promise<void> {
    const { fetch: guardedFetch, clock, report, incidents, name } = this.parts
    try {
      const alerts = incidents().map((incident) => alertOf(incident, clock.now()))
      for (let from = 0; from < alerts.length; from += mostAlerts) {
        const body = JSON.stringify(alerts.slice(from, from + mostAlerts))
        const delivered = deliveredBy(
          await guardedFetch(this.endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
        )
        report.counters.add('alert_notifications', { output: name, outcome: delivered === 'sent' ? 'sent' : 'failed' })
        if (delivered !== 'sent') return this.failed()
      }
      if (this.failing > 0) report.log('info', 'A receiver of alerts takes them again', { output: name })
      this.failing = 0
    } catch {
      report.counters.add('alert_notifications', { output: name, outcome: 'failed' })
      this.failed()
    }
  }

  private failed(): void {
    this.failing += 1
    const { name, report } = this.parts
    if (this.failing === 1) report.log('warn', 'A receiver of alerts takes none for now', { output: name, address: this.address })
  }
}

/** As `postableAlert` of its API. */
export function alertOf(incident: ShownIncident, nowMs: number): object {
  const { kind, id, severity, server, caller, owner, text, since, closed, firstCall, deploy, runbook, conditions } = incident
  const [first] = conditions
  return {
    labels: {
      // Alertmanager tells alerts apart by their labels: they are of how it began, and the same at each gateway that sees it.
      alertname: 'Signalbox',
      kind: first?.kind ?? kind,
      ...(server === undefined ? {} : { server }),
      ...(first?.tool === undefined ? {} : { tool: first.tool }),
      ...(caller === undefined ? {} : { caller }),
      ...(owner === undefined ? {} : { owner }),
      severity,
    },
    annotations: {
      summary: text,
      incident: id,
      runbook,
      ...(firstCall === undefined ? {} : { first_call: firstCall }),
      ...(deploy === undefined ? {} : { deploy: `${deploy.what} at ${deploy.at}` }),
      conditions: conditions.map((one) => `${one.tool ?? server ?? ''} ${one.kind}: ${one.text}`).join('\n'),
    },
    startsAt: since,
    endsAt: closed ?? new Date(nowMs + forgottenMs).toISOString(),
  }
}
