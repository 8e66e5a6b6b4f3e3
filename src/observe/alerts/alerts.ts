// Alerts of a gateway: looks at what is wrong every few seconds, makes incidents of it, and has them told. Needs no log and no metrics.
import { guarded, inBackground, reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import type { Durable } from '../../core/ports/durable.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Report } from '../../core/ports/report.ts'
import type { SteadyTime } from '../steady-time.ts'
import { Alertmanager, endedMs } from './alertmanager-api.ts'
import type { Condition } from './condition.ts'
import type { Incident, Notice } from './incident.ts'
import { IncidentStore } from './incident-store.ts'
import { Incidents } from './incidents.ts'
import { rankOf } from './kinds.ts'
import { type Message, Sender } from './output.ts'
import type { AlertSettings } from './settings.ts'
import { type Redact, Shower, type ShownIncident } from './shown.ts'
import { longestSilenceMs, type Silence } from './silences.ts'
import { slack } from './slack.ts'
import { alone, type Claim, type Claimed, Tellings } from './tellings.ts'
import { webhook } from './webhook.ts'

export interface AlertsParts {
  readonly settings: AlertSettings
  /** Reaches what configuration names. */
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly time: SteadyTime
  readonly random: Random
  readonly report: Report
  /** Absent: incidents end with the gateway. Gateways that share it tell each incident once. */
  readonly durable: Durable | undefined
  /** Of this process, among them. */
  readonly gateway: string
  /** Takes known secrets out of texts. */
  readonly redact: Redact
  readonly ownerOf: (server: string) => string | undefined
  /** Digest of the configuration. */
  readonly configuration: string | undefined
  /** What is wrong now. */
  readonly sources: readonly (() => readonly Condition[])[]
  /** Says of what judged a condition whether it is so now (`normal`) or is known (`fault`). */
  readonly acknowledge: (episode: string, as: 'normal' | 'fault') => void
}

export interface ShownSilence {
  readonly id: string
  readonly selector: string
  readonly reason: string
  readonly by: string
  readonly from: string
  readonly until: string
}

/** Between two looks, in ms. */
const lookMs = 15_000
/** Until another gateway is asked again whether it has told, in ms: the next look. */
const waitMs = lookMs - 1_000
/** A message that no receiver took for so long is given up. */
const staleMs = 24 * 3_600_000

export class Alerts {
  private readonly parts: AlertsParts
  private readonly incidents: Incidents
  private readonly store: IncidentStore | undefined
  private readonly tellings: Tellings | undefined
  private readonly shower: Shower
  private readonly senders: readonly Sender[]
  private readonly alertmanagers: readonly Alertmanager[]
  private readonly look: () => void
  private timer: Timer | undefined
  private saving: Promise<void> = Promise.resolve()
  private isSaving = false
  private failing = false
  private ended = false
  /** The sum of their sequences at the last look: another one is something new to tell. */
  private notices = 0
  /** By output and incident: another gateway is about to tell it, or has it open still; it is asked again after that, in steady ms. */
  private readonly waiting = new Map<string, number>()
  /** Changes of silences here, and those under way: what was read meanwhile is not what stands. */
  private silencings = 0
  private silencing = 0
  /** More are open than are kept: told once. */
  private isFull = false

  constructor(parts: AlertsParts) {
    this.parts = parts
    const { settings, time, durable, redact, ownerOf, report, clock, fetch } = parts
    this.incidents = new Incidents({
      ownerOf,
      get configuration() {
        return parts.configuration
      },
      dropped: () => this.full(),
    })
    this.store = durable === undefined ? undefined : new IncidentStore(durable, time)
    this.tellings = durable === undefined ? undefined : new Tellings({ durable, clock, gateway: parts.gateway })
    this.shower = new Shower(time, redact)
    this.look = guarded<void>(report, 'alerts', () => this.lookNow())
    const outputs = [
      ...settings.webhook.map((target, at) => webhook(nameOf('webhook', at), target)),
      ...settings.slack.map((url, at) => slack(nameOf('slack', at), url)),
    ]
    this.senders = outputs.map(
      (output) =>
        new Sender({
          output,
          fetch,
          clock,
          report,
          due: (name) => this.due(name),
          claim: (incident, notice, name) => this.claim(incident, notice, name),
          shown: (incident, notice, claim) => this.messageOf(incident, notice, claim),
          settled: () => this.save(),
        }),
    )
    this.alertmanagers = settings.alertmanager.map(
      (url, at) =>
        new Alertmanager({ name: nameOf('alertmanager', at), url, fetch, clock, report, incidents: () => this.forAlertmanager() }),
    )
  }

  /** Brings back what was known before the start, and begins to look. Never rejects. */
  async start(): Promise<void> {
    const { report } = this.parts
    try {
      const kept = await this.store?.load()
      if (kept?.ok === true) {
        for (const incident of kept.value.incidents) this.restore(incident)
        for (const silence of kept.value.silences) this.incidents.silences.add(silence)
      } else if (kept !== undefined) report.log('warn', 'Incidents from before the start are not known', { reason: kept.fault.message })
    } catch (bug) {
      reportBug(report, 'alerts', bug)
    }
    this.later()
  }

  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    for (const one of this.alertmanagers) one.end()
    await Promise.all(this.senders.map((one) => one.end()))
    await this.tellings?.stands([]).catch((bug: unknown) => reportBug(this.parts.report, 'alerts', bug))
    await this.saving
    this.save()
    await this.saving
  }

  /** As of now; open ones first. */
  all(): readonly ShownIncident[] {
    this.look()
    const now = this.parts.time.now()
    return this.incidents.all().map((one) => this.shower.show(one, this.incidents.silenced(one, now)))
  }

  /** For metrics: open incidents that are not silenced. */
  counts(): readonly { readonly server: string; readonly kind: string; readonly severity: string }[] {
    return [...this.incidents.openOnes()].map((one) => {
      const { kind, severity, server = '' } = this.shower.show(one, false)
      return { server, kind, severity }
    })
  }

  /** Says of an incident that it is known (`fault`), or that what was judged unusual is so now (`normal`); undefined where none such is open. */
  acknowledge(id: string, as: 'normal' | 'fault'): ShownIncident | undefined {
    this.look()
    const { time, acknowledge } = this.parts
    const incident = this.incidents.find(id)
    if (incident === undefined || incident.resolvedMs !== undefined) return undefined
    incident.acknowledged = as
    incident.changed = true
    for (const { condition } of incident.members.values()) if (condition.episode !== undefined) acknowledge(condition.episode, as)
    this.look()
    if (as === 'normal' && incident.resolvedMs === undefined && everyJudged(incident)) this.incidents.end(incident, time.now())
    this.save()
    return this.shower.show(incident, false)
  }

  /** Undefined where there are too many. */
  silence(selector: string, forMs: number, reason: string, by: string): ShownSilence | undefined {
    const { random, time } = this.parts
    const now = time.now()
    const id = Buffer.from(random.bytes(6)).toString('hex')
    const silence: Silence = { id, selector, reason, by, fromMs: now, untilMs: now + Math.min(forMs, longestSilenceMs) }
    this.incidents.silences.all(now)
    if (!this.incidents.silences.add(silence)) return undefined
    if (this.store !== undefined) this.changeSilences(this.store.keepSilence(silence))
    return this.shownSilence(silence)
  }

  unsilence(id: string): ShownSilence | undefined {
    const ended = this.incidents.silences.end(id)
    if (ended === undefined) return undefined
    if (this.store !== undefined) this.changeSilences(this.store.forgetSilence(id))
    return this.shownSilence(ended)
  }

  silences(): readonly ShownSilence[] {
    return this.incidents.silences.all(this.parts.time.now()).map((one) => this.shownSilence(one))
  }

  /** Receivers that take nothing now. */
  undelivered(): readonly Condition[] {
    return [...this.senders, ...this.alertmanagers].flatMap(({ name, address, failing }) =>
      failing === 0
        ? []
        : [{ kind: 'alerts_undelivered' as const, part: name, text: `${name} at ${address} takes no messages, ${failing} tries in a row` }],
    )
  }

  private shownSilence({ fromMs, untilMs, reason, ...rest }: Silence): ShownSilence {
    return { ...rest, reason: this.shower.clean(reason), from: this.shower.iso(fromMs), until: this.shower.iso(untilMs) }
  }

  private restore(incident: Incident): void {
    const { notice, resolvedMs, told } = incident
    // Of what was over before an output was there, or before a start, nothing is told.
    if (notice !== undefined && resolvedMs !== undefined)
      for (const { name } of this.senders) if (!told.has(name)) told.set(name, notice.sequence)
    this.incidents.restore(incident)
  }

  private later(): void {
    if (this.ended) return
    this.timer = this.parts.clock.timer(lookMs, () => {
      this.look()
      this.later()
    })
  }

  private lookNow(): void {
    const { sources, report, time } = this.parts
    const conditions: Condition[] = []
    for (const source of sources) {
      try {
        conditions.push(...source())
      } catch (bug) {
        reportBug(report, 'alerts', bug)
      }
    }
    conditions.push(...this.undelivered())
    this.incidents.take(conditions, time.now())
    this.share()
    if (!this.ended) this.wake()
    this.save()
  }

  /** Others hear what stands here; what they keep silent is silent here. */
  private share(): void {
    const { tellings, store } = this
    const now = this.parts.time.now()
    for (const [key, untilMs] of this.waiting) if (untilMs <= now) this.waiting.delete(key)
    if (tellings === undefined || store === undefined || this.ended) return
    const told = [...this.incidents.openOnes()].filter(({ notice }) => notice !== undefined)
    inBackground(this.parts.report, 'alerts', tellings.stands(told))
    if (told.length > 0) inBackground(this.parts.report, 'alerts', this.hearSilences(store))
  }

  private changeSilences(change: Promise<unknown>): void {
    this.silencings += 1
    this.silencing += 1
    const ended = change.finally(() => {
      this.silencing -= 1
    })
    inBackground(this.parts.report, 'alerts', ended)
  }

  private async hearSilences(store: IncidentStore): Promise<void> {
    const before = this.silencings
    if (this.silencing > 0) return
    const found = await store.silences()
    if (found.ok && this.silencings === before) this.incidents.silences.replace(found.value)
  }

  private async claim(incident: Incident, notice: Notice, output: string): Promise<Claimed> {
    const { tellings, store } = this
    if (tellings === undefined || store === undefined) return alone(incident, notice, output)
    try {
      if (notice.what !== 'resolved') await this.hearSilences(store)
      const now = this.parts.time.now()
      const claimed =
        notice.what !== 'resolved' && this.incidents.silenced(incident, now)
          ? 'later'
          : await tellings.claim(incident, notice, output, now - notice.atMs)
      if (claimed === 'later') this.waiting.set(`${output} ${incident.id}`, now + waitMs)
      return claimed
    } catch (bug) {
      reportBug(this.parts.report, 'alerts', bug)
      return alone(incident, notice, output)
    }
  }

  private wake(): void {
    for (const sender of this.senders) sender.wake()
    let notices = 0
    for (const { notice } of this.incidents.all()) notices += notice?.sequence ?? 0
    if (notices === this.notices) return
    this.notices = notices
    for (const one of this.alertmanagers) one.wake()
  }

  /** The incident of which an output has the oldest thing yet to tell. */
  private due(output: string): Incident | undefined {
    const now = this.parts.time.now()
    let found: Incident | undefined
    for (const incident of this.incidents.all()) {
      const { notice, told } = incident
      if (notice === undefined || (told.get(output) ?? 0) >= notice.sequence || this.waiting.has(`${output} ${incident.id}`)) continue
      if (now - notice.atMs > staleMs) {
        told.set(output, notice.sequence)
        this.parts.report.counters.add('alert_notifications', { output, outcome: 'dropped' })
      } else if (found?.notice === undefined || notice.atMs < found.notice.atMs) found = incident
    }
    return found
  }

  private messageOf(incident: Incident, { what, atMs }: Notice, claim: Claim): Message {
    return {
      id: `${claim.incident}-${claim.sequence}`,
      event: eventOf(what, claim.first),
      atMs: this.parts.time.wall(atMs),
      incident: { ...this.shower.show(incident, false), id: claim.incident },
    }
  }

  private forAlertmanager(): readonly ShownIncident[] {
    const now = this.parts.time.now()
    return this.incidents
      .all()
      .filter(
        (one) =>
          one.notice !== undefined &&
          rankOf(one.severity) > 0 &&
          (one.resolvedMs === undefined ? !this.incidents.silenced(one, now) : now - one.resolvedMs <= endedMs),
      )
      .map((one) => this.shower.show(one, false))
  }

  private full(): void {
    if (this.isFull) return
    this.isFull = true
    this.parts.report.log('warn', 'More incidents are open than are kept: further ones are not told', {})
  }

  private save(): void {
    const { store } = this
    if (store === undefined || this.isSaving) return
    this.isSaving = true
    this.saving = this.write(store)
      .catch((bug: unknown) => reportBug(this.parts.report, 'alerts', bug))
      .finally(() => {
        this.isSaving = false
      })
  }

  private async write(store: IncidentStore): Promise<void> {
    for (;;) {
      const changed = this.incidents.all().filter((one) => one.changed)
      if (changed.length === 0) return
      for (const one of changed) one.changed = false
      const kept = await store.save(changed, this.parts.time.now())
      if (kept.ok) {
        this.failing = false
        continue
      }
      if (kept.fault.kind !== 'closed' && kept.fault.kind !== 'conflict') for (const one of changed) one.changed = true
      if (!this.failing) this.parts.report.log('warn', 'Incidents are not kept for now', { reason: kept.fault.message })
      this.failing = true
      return
    }
  }
}

function nameOf(kind: string, at: number): string {
  return at === 0 ? kind : `${kind}-${at + 1}`
}

/** What is the first of this gateway may be the next of another. */
function eventOf(what: Notice['what'], first: boolean): Notice['what'] {
  if (first) return what === 'resolved' ? what : 'opened'
  return what === 'opened' ? 'worse' : what
}

function everyJudged({ members }: Incident): boolean {
  for (const { condition, goneMs } of members.values()) if (goneMs === undefined && condition.episode === undefined) return false
  return true
}
