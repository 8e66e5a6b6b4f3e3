// One incident: what is wrong at one server (or caller, or part of the gateway) at once, from its begin to its end, and what of it was told.
import type { Condition, Deploy } from './condition.ts'
import { rankOf, type Severity } from './kinds.ts'

/** Times are steady milliseconds (`observe/steady-time.ts`). */
export interface Member {
  condition: Condition
  severity: Severity
  readonly sinceMs: number
  seenMs: number
  /** Undefined while it stands. */
  goneMs: number | undefined
}

/** Why something is told. `reminder`: it stands for a day, and nobody has said that it is known. */
export const noticeKinds = ['opened', 'worse', 'reopened', 'reminder', 'resolved'] as const
export type NoticeKind = (typeof noticeKinds)[number]

export interface Notice {
  /** From 1, one more with each notice of the incident. */
  readonly sequence: number
  readonly what: NoticeKind
  readonly atMs: number
  readonly severity: Severity
}

export interface Incident {
  readonly id: string
  readonly scope: string
  readonly server: string | undefined
  readonly caller: string | undefined
  readonly owner: string | undefined
  readonly members: Map<string, Member>
  /** Conditions that belong to it and are too many to be kept one by one. */
  beyond: number
  readonly openedMs: number
  /** When a condition was last added to it. */
  joinedMs: number
  seenMs: number
  resolvedMs: number | undefined
  /** How often it came back. */
  reopened: number
  reopenedMs: number | undefined
  /** The worst of its members since it was opened. */
  severity: Severity
  /** Of the first condition that had one. */
  firstCall: string | undefined
  deploy: Deploy | undefined
  /** Digest of the configuration that it was first seen with. */
  readonly configuration: string | undefined
  acknowledged: 'normal' | 'fault' | undefined
  notice: Notice | undefined
  /** How often it was reopened when it was told of last. */
  toldReopened: number
  /** The last sequence that each output has taken. */
  readonly told: Map<string, number>
  /** The id under which it was told, where another gateway told it first. */
  toldAs: string | undefined
  /** Was changed since it was kept. */
  changed: boolean
}

/** The condition that stands for the incident: the worst that still stands, the widest, the first. */
export function leading({ members }: Incident): Member | undefined {
  let best: Member | undefined
  for (const member of members.values()) if (best === undefined || goesBefore(member, best)) best = member
  return best
}

function goesBefore(one: Member, other: Member): boolean {
  return weight(one) > weight(other)
}

function weight({ severity, goneMs, condition }: Member): number {
  return (goneMs === undefined ? 10 : 0) + rankOf(severity) * 2 + (condition.tool === undefined ? 1 : 0)
}
