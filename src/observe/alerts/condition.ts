// What is wrong now, as its source says it: it stands for as long as the source gives it.
import { type AlertKind, kindOf, type Severity } from './kinds.ts'

export interface Deploy {
  /** `contract c1:…`, `version 1.4.0`: for people. */
  readonly what: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

export interface Condition {
  readonly kind: AlertKind
  /** Undefined: that of its kind. */
  readonly severity?: Severity | undefined
  /** Undefined where it is about no server. */
  readonly server?: string | undefined
  /** By the server's own name. */
  readonly tool?: string | undefined
  /** Whose calls it is about, where it is about no server. */
  readonly caller?: string | undefined
  /** What tells it apart from others of its kind about the same, such as a run or an objective. */
  readonly part?: string | undefined
  /** For people, on one line: texts of others cleaned by whoever takes it in. */
  readonly text: string
  readonly usual?: string | undefined
  readonly seen?: string | undefined
  readonly results?: number | undefined
  readonly affected?: number | undefined
  /** Correlation id. */
  readonly firstCall?: string | undefined
  readonly deploy?: Deploy | undefined
  /** Milliseconds since the epoch, where the source knows when it began. */
  readonly sinceMs?: number | undefined
  /** Id of what judged it, for those that can be told that it is so now. */
  readonly episode?: string | undefined
  /** Somebody has said that it is known. */
  readonly acknowledged?: 'normal' | 'fault' | undefined
}

/** Equal for what is the same thing, now and later. */
export function keyOf({ kind, server = '', tool = '', caller = '', part = '' }: Condition): string {
  return [kind, server, tool, caller, part].join('\0')
}

export function severityOf({ kind, severity }: Condition): Severity {
  return severity ?? kindOf(kind).severity
}

/** What of one scope happens at once is one incident. What calls nobody keeps nothing open that called somebody. */
export function scopeOf(condition: Condition): string {
  const { kind, server, caller } = condition
  const of = server !== undefined ? `server ${server}` : caller === undefined ? `gateway ${kind}` : `caller ${caller}`
  return severityOf(condition) === 'info' ? `${of} info` : of
}
