// The states of incidents, from what stands at each look: which conditions belong together, when one is over, when it is back, and what is due to
// be told. Pure but for the incidents that it holds; times are steady milliseconds.
import { createHash } from 'node:crypto'
import { type Condition, keyOf, scopeOf, severityOf } from './condition.ts'
import type { Incident, Member, NoticeKind } from './incident.ts'
import { kindOf, rankOf } from './kinds.ts'
import { Silences } from './silences.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export const limits = {
  open: 500,
  closed: 200,
  members: 50,
  pending: 5_000,
} as const

export const times = {
  /** Until the first message: what happens at once is in it. */
  groupMs: 30_000,
  /** What follows at the same server within so long belongs to the incident. */
  joinMs: hourMs,
  /** What comes back within so long after its end is the same incident. */
  reopenMs: 24 * hourMs,
  /** After the first time back it must be gone for so long, twice as long each further time, before it is over again. */
  againMs: 10 * minuteMs,
  mostAgainMs: 12 * hourMs,
  /** Until an incident that nobody has said to know is told again. */
  remindMs: 24 * hourMs,
  /** After a start nothing from before it is taken as over: sources have yet to look. */
  settleMs: 2 * minuteMs,
} as const

export interface IncidentsParts {
  readonly ownerOf: (server: string) => string | undefined
  /** Digest of the configuration. */
  readonly configuration: string | undefined
  /** Hears what could not be taken. */
  readonly dropped: (why: 'full') => void
}

interface Pending {
  readonly sinceMs: number
  /** Of the last look that had it. */
  look: number
}

export class Incidents {
  readonly silences = new Silences()
  private readonly parts: IncidentsParts
  private readonly open = new Map<string, Incident>()
  /** The latest last. */
  private closed: Incident[] = []
  /** Of conditions that are members, the incident. */
  private readonly byKey = new Map<string, Incident>()
  private readonly pending = new Map<string, Pending>()
  /** From before the start. */
  private readonly restored = new Set<string>()
  private looks = 0
  private startedMs: number | undefined

  constructor(parts: IncidentsParts) {
    this.parts = parts
  }

  /** Open ones first, the latest of each first. */
  all(): readonly Incident[] {
    return [...[...this.open.values()].reverse(), ...this.closed.toReversed()]
  }

  openOnes(): Iterable<Incident> {
    return this.open.values()
  }

  find(id: string): Incident | undefined {
    return this.open.get(id) ?? this.all().find((one) => one.id === id || one.toldAs === id)
  }

  /** Brings one back from before a restart. */
  restore(incident: Incident): void {
    if (incident.resolvedMs !== undefined) {
      if (this.closed.length < limits.closed) this.closed.push(incident)
      return
    }
    if (this.open.size >= limits.open) return
    this.open.set(incident.id, incident)
    this.restored.add(incident.id)
    for (const key of incident.members.keys()) this.byKey.set(key, incident)
  }

  /** One look at all that stands. What is due to be told is in `notice` of each incident then. */
  take(conditions: readonly Condition[], nowMs: number): void {
    this.startedMs ??= nowMs
    this.looks += 1
    for (const incident of this.open.values()) incident.beyond = 0
    for (const condition of conditions) this.takeOne(condition, nowMs)
    for (const [key, { look }] of this.pending) if (look !== this.looks) this.pending.delete(key)
    for (const incident of this.open.values()) this.settle(incident, nowMs)
  }

  /** Whether all that stands of it is silenced. */
  silenced(incident: Incident, nowMs: number): boolean {
    let any = false
    for (const { condition, goneMs } of incident.members.values()) {
      if (goneMs !== undefined) continue
      if (this.silences.of(condition.server, condition.tool, nowMs) === undefined) return false
      any = true
    }
    return any
  }

  /** Ends it by what an operator said. */
  end(incident: Incident, nowMs: number): void {
    for (const member of incident.members.values()) member.goneMs ??= nowMs
    if (this.open.has(incident.id)) this.resolve(incident, nowMs)
  }

  private takeOne(condition: Condition, nowMs: number): void {
    const key = keyOf(condition)
    const known = this.byKey.get(key)
    if (known !== undefined) {
      refresh(known, key, condition, nowMs)
      return
    }
    const { forMs } = kindOf(condition.kind)
    let waiting = this.pending.get(key)
    if (waiting === undefined) {
      if (this.pending.size >= limits.pending) return
      waiting = { sinceMs: nowMs, look: this.looks }
      this.pending.set(key, waiting)
    }
    waiting.look = this.looks
    if (nowMs - waiting.sinceMs < forMs) return
    if (this.admit(key, condition, waiting.sinceMs, nowMs)) this.pending.delete(key)
  }

  /** False where there is no room. */
  private admit(key: string, condition: Condition, sinceMs: number, nowMs: number): boolean {
    const scope = scopeOf(condition)
    const found = this.joinable(scope, condition, nowMs) ?? this.back(key, scope, nowMs) ?? this.begin(key, scope, condition, sinceMs)
    if (found === undefined) return false
    if (found.members.size >= limits.members && !found.members.has(key)) {
      found.beyond += 1
      return false
    }
    const severity = severityOf(condition)
    found.members.set(key, { condition, severity, sinceMs: condition.sinceMs ?? sinceMs, seenMs: nowMs, goneMs: undefined })
    this.byKey.set(key, found)
    found.joinedMs = nowMs
    found.seenMs = nowMs
    found.firstCall ??= condition.firstCall
    found.deploy ??= condition.deploy
    if (rankOf(severity) > rankOf(found.severity)) found.severity = severity
    found.changed = true
    return true
  }

  /** The incident of the same server that the condition belongs to. */
  private joinable(scope: string, condition: Condition, nowMs: number): Incident | undefined {
    for (const incident of this.open.values()) {
      if (incident.scope !== scope) continue
      if (nowMs - incident.joinedMs <= times.joinMs || isWide(incident) || sameDeploy(incident, condition)) return incident
    }
    return undefined
  }

  /** The incident that ended lately and had the same condition, open again. */
  private back(key: string, scope: string, nowMs: number): Incident | undefined {
    const found = this.closed.findLast(
      (one) => one.scope === scope && one.members.has(key) && nowMs - (one.resolvedMs ?? 0) <= times.reopenMs,
    )
    if (found === undefined || this.open.size >= limits.open) return undefined
    this.closed = this.closed.filter((one) => one !== found)
    this.open.set(found.id, found)
    found.resolvedMs = undefined
    found.reopened += 1
    found.reopenedMs = nowMs
    found.severity = 'info'
    found.acknowledged = undefined
    for (const member of found.members.keys()) this.byKey.set(member, found)
    return found
  }

  private begin(key: string, scope: string, condition: Condition, sinceMs: number): Incident | undefined {
    if (this.open.size >= limits.open) {
      this.parts.dropped('full')
      return undefined
    }
    const { server, caller, firstCall, deploy } = condition
    const incident: Incident = {
      id: createHash('sha256').update(`${scope}\0${key}\0${sinceMs}`).digest('hex').slice(0, 12),
      scope,
      server,
      caller,
      owner: server === undefined ? undefined : this.parts.ownerOf(server),
      members: new Map(),
      beyond: 0,
      openedMs: sinceMs,
      joinedMs: sinceMs,
      seenMs: sinceMs,
      resolvedMs: undefined,
      reopened: 0,
      reopenedMs: undefined,
      severity: severityOf(condition),
      firstCall,
      deploy,
      configuration: this.parts.configuration,
      acknowledged: undefined,
      notice: undefined,
      toldReopened: 0,
      told: new Map(),
      toldAs: undefined,
      changed: true,
    }
    this.open.set(incident.id, incident)
    return incident
  }

  private settle(incident: Incident, nowMs: number): void {
    let latest = 0
    let stands = false
    for (const member of incident.members.values()) {
      if (member.seenMs < nowMs && member.goneMs === undefined) {
        member.goneMs = nowMs
        incident.changed = true
      }
      if (member.goneMs === undefined) stands = true
      else latest = Math.max(latest, member.goneMs + this.clearMs(incident, member))
    }
    const settled = !this.restored.has(incident.id) || nowMs - (this.startedMs ?? nowMs) >= times.settleMs
    if (!stands && nowMs >= latest && settled) this.resolve(incident, nowMs)
    else this.note(incident, nowMs)
  }

  private clearMs({ reopened }: Incident, { condition }: Member): number {
    const { clearMs } = kindOf(condition.kind)
    return reopened === 0 ? clearMs : Math.min(times.mostAgainMs, Math.max(clearMs, times.againMs) * 2 ** Math.min(reopened - 1, 12))
  }

  private resolve(incident: Incident, nowMs: number): void {
    incident.resolvedMs = nowMs
    incident.changed = true
    this.open.delete(incident.id)
    for (const key of incident.members.keys()) this.byKey.delete(key)
    this.closed.push(incident)
    if (this.closed.length > limits.closed) this.closed.shift()
    if (incident.notice !== undefined && incident.notice.what !== 'resolved') tell(incident, 'resolved', nowMs)
  }

  /** What is due to be told of one that is open. */
  private note(incident: Incident, nowMs: number): void {
    const what = due(incident, nowMs)
    if (what !== undefined && rankOf(incident.severity) > 0 && !this.silenced(incident, nowMs)) tell(incident, what, nowMs)
  }
}

function due(incident: Incident, nowMs: number): NoticeKind | undefined {
  const { notice, openedMs, reopened, toldReopened, severity, acknowledged } = incident
  if (notice === undefined) return nowMs - openedMs >= times.groupMs && standsNow(incident) ? 'opened' : undefined
  if (reopened > toldReopened) return 'reopened'
  if (rankOf(severity) > rankOf(notice.severity)) return 'worse'
  if (acknowledged !== undefined || allAcknowledged(incident)) return undefined
  return nowMs - notice.atMs >= times.remindMs ? 'reminder' : undefined
}

function tell(incident: Incident, what: NoticeKind, atMs: number): void {
  incident.notice = { sequence: (incident.notice?.sequence ?? 0) + 1, what, atMs, severity: incident.severity }
  incident.toldReopened = incident.reopened
  incident.changed = true
}

function refresh(incident: Incident, key: string, condition: Condition, nowMs: number): void {
  const member = incident.members.get(key)
  if (member === undefined) return
  const severity = severityOf(condition)
  if (member.goneMs !== undefined || severity !== member.severity || condition.text !== member.condition.text) incident.changed = true
  member.condition = condition
  member.severity = severity
  member.seenMs = nowMs
  member.goneMs = undefined
  incident.seenMs = nowMs
  incident.firstCall ??= condition.firstCall
  incident.deploy ??= condition.deploy
  if (rankOf(severity) > rankOf(incident.severity)) incident.severity = severity
}

function standsNow({ members }: Incident): boolean {
  for (const { goneMs } of members.values()) if (goneMs === undefined) return true
  return false
}

function allAcknowledged({ members }: Incident): boolean {
  for (const { goneMs, condition } of members.values()) if (goneMs === undefined && condition.acknowledged === undefined) return false
  return true
}

/** It is about the server as a whole, now. */
function isWide({ members }: Incident): boolean {
  for (const { condition, goneMs } of members.values()) if (goneMs === undefined && kindOf(condition.kind).wide === true) return true
  return false
}

function sameDeploy({ deploy }: Incident, condition: Condition): boolean {
  return deploy !== undefined && condition.deploy?.what === deploy.what && condition.deploy.atMs === deploy.atMs
}
