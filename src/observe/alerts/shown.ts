// An incident as people and programs outside are shown it: what servers said is cleaned of secrets and put on one line, times are ISO 8601.
import { onOneLine } from '../../core/text/terminal.ts'
import type { SteadyTime } from '../steady-time.ts'
import type { Condition } from './condition.ts'
import { type Incident, leading, type Member } from './incident.ts'
import type { AlertKind, Severity } from './kinds.ts'

export type IncidentState = 'open' | 'acknowledged' | 'silenced' | 'resolved'

export interface ShownCondition {
  readonly kind: AlertKind
  readonly severity: Severity
  readonly tool?: string
  readonly text: string
  readonly usual?: string
  readonly seen?: string
  readonly results?: number
  readonly affected?: number
  readonly since: string
  /** When it was gone; absent while it stands. */
  readonly gone?: string
}

/** Also the body of webhooks: members are added to it, never changed. */
export interface ShownIncident {
  readonly id: string
  readonly state: IncidentState
  readonly severity: Severity
  /** Of the condition that stands for it. */
  readonly kind: AlertKind
  readonly server?: string
  readonly tool?: string
  readonly caller?: string
  readonly owner?: string
  readonly text: string
  readonly since: string
  readonly updated: string
  readonly closed?: string
  readonly reopened?: number
  readonly acknowledged?: 'normal' | 'fault'
  readonly firstCall?: string
  readonly results?: number
  readonly affected?: number
  readonly deploy?: { readonly what: string; readonly at: string }
  readonly configuration?: string
  readonly conditions: readonly ShownCondition[]
  /** Conditions that are not shown one by one. */
  readonly more?: number
  readonly runbook: string
}

/** Of one text, in characters. */
const longest = 500
/** Conditions of a message. */
const mostConditions = 20

/** Takes secrets and personal data out of a text. */
export type Redact = (text: string) => string

export class Shower {
  private readonly time: SteadyTime
  private readonly redact: Redact

  constructor(time: SteadyTime, redact: Redact) {
    this.time = time
    this.redact = redact
  }

  show(incident: Incident, silenced: boolean): ShownIncident {
    const members = [...incident.members.values()]
    const lead = leading(incident)
    const { kind = 'bug', tool, results, affected } = lead?.condition ?? {}
    const tools = new Set(members.map(({ condition }) => condition.tool ?? ''))
    const only = tools.size === 1 ? tool : undefined
    const { id, toldAs, severity, server, caller, owner, reopened, firstCall, deploy, configuration, resolvedMs } = incident
    const acknowledged = acknowledgedOf(incident)
    const more = Math.max(0, members.length - mostConditions) + incident.beyond
    return {
      id: toldAs ?? id,
      state: resolvedMs !== undefined ? 'resolved' : silenced ? 'silenced' : acknowledged === undefined ? 'open' : 'acknowledged',
      severity,
      kind,
      ...(server === undefined ? {} : { server }),
      ...(only === undefined ? {} : { tool: this.clean(only) }),
      ...(caller === undefined ? {} : { caller: this.clean(caller) }),
      ...(owner === undefined ? {} : { owner: this.clean(owner) }),
      text: this.textOf(members, lead),
      since: this.iso(incident.openedMs),
      updated: this.iso(incident.seenMs),
      ...(resolvedMs === undefined ? {} : { closed: this.iso(resolvedMs) }),
      ...(reopened === 0 ? {} : { reopened }),
      ...(acknowledged === undefined ? {} : { acknowledged }),
      ...(firstCall === undefined ? {} : { firstCall }),
      ...(members.length === 1 && results !== undefined ? { results } : {}),
      ...(members.length === 1 && affected !== undefined ? { affected } : {}),
      ...(deploy === undefined ? {} : { deploy: { what: this.clean(deploy.what), at: new Date(deploy.atMs).toISOString() } }),
      ...(configuration === undefined ? {} : { configuration }),
      conditions: members.slice(0, mostConditions).map((member) => this.conditionOf(member)),
      ...(more === 0 ? {} : { more }),
      runbook: `docs/alerts.md#${kind}`,
    }
  }

  iso(steadyMs: number): string {
    return new Date(this.time.wall(steadyMs)).toISOString()
  }

  clean(text: string): string {
    return onOneLine(this.redact(text.slice(0, 4 * longest))).slice(0, longest)
  }

  private textOf(members: readonly Member[], lead: Member | undefined): string {
    const text = this.clean(lead?.condition.text ?? '')
    const others = members.filter((one) => one !== lead && one.goneMs === undefined)
    if (others.length === 0) return text
    const names = [...new Set(others.map(({ condition }) => nameOf(condition)))]
    const listed = names.slice(0, 5).map((name) => this.clean(name))
    return `${text}; also ${listed.join(', ')}${names.length > listed.length ? ` and ${names.length - listed.length} more` : ''}`.slice(
      0,
      2 * longest,
    )
  }

  private conditionOf({ condition, severity, sinceMs, goneMs }: Member): ShownCondition {
    const { kind, tool, text, usual, seen, results, affected } = condition
    return {
      kind,
      severity,
      ...(tool === undefined ? {} : { tool: this.clean(tool) }),
      text: this.clean(text),
      ...(usual === undefined ? {} : { usual: this.clean(usual) }),
      ...(seen === undefined ? {} : { seen: this.clean(seen) }),
      ...(results === undefined ? {} : { results }),
      ...(affected === undefined ? {} : { affected }),
      since: this.iso(sinceMs),
      ...(goneMs === undefined ? {} : { gone: this.iso(goneMs) }),
    }
  }
}

function nameOf({ tool, kind }: Condition): string {
  return tool === undefined ? kind : `${tool} (${kind})`
}

/** By what was said of it, or of all that stands of it. */
export function acknowledgedOf({ acknowledged, members }: Incident): 'normal' | 'fault' | undefined {
  if (acknowledged !== undefined) return acknowledged
  const standing = [...members.values()].filter(({ goneMs }) => goneMs === undefined)
  return standing.length > 0 && standing.every(({ condition }) => condition.acknowledged !== undefined)
    ? standing[0]?.condition.acknowledged
    : undefined
}
