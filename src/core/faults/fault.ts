// A fault is a failure as a value: one of the catalogue's kinds, with what an agent, an operator and a metric need to know of it.
// A peer's failure is always a fault; a throw is our own bug.
import type { Evidence } from './evidence.ts'

export const categories = ['tool', 'configuration', 'transport', 'authentication', 'integration'] as const
export type Category = (typeof categories)[number]

/** Whether the call changed something upstream. `unknown` means: check before doing it again. */
export type SideEffect = 'none' | 'unknown' | 'applied'

/** What the catalogue says of a kind, the same for every fault of that kind. */
export interface FaultKind {
  readonly category: Category
  /** HTTP status where the door has not committed one and the fault is the request's own (header, version, auth); else 200. */
  readonly status: number
  /** JSON-RPC code where the fault travels as an error (every method but `tools/call`, and requests that are themselves bad). */
  readonly code: number
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean
  /** True where the request itself is bad: a JSON-RPC error also for `tools/call`. */
  readonly protocol: boolean
  /** For the agent to relay; `{name}` is replaced by the detail of that name, `{effect}` by what is known of the side effect. */
  readonly agent: string
  /** What the operator should look at. */
  readonly operator: string
}

export interface Fault {
  readonly kind: string
  readonly category: Category
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly sideEffect: SideEffect
  /** What the exit knows of the request; undefined where the fault was found before any exit. */
  readonly evidence: Evidence | undefined
  /** The sentence, filled in. */
  readonly message: string
  /** The sentence for records, where it quotes what the caller sent: without that. */
  readonly recorded?: string | undefined
  /** What an agent is to tell its user, by configuration of the tool; undefined: the sentence. */
  readonly tellUser?: string | undefined
  /** Facts for programs: `upstream`, `tool`, `layer`, `violations`, … JSON values, never secrets. `advice` is a sentence that ends the message. */
  readonly detail: Readonly<Record<string, unknown>>
  /** What a client has to bring instead, as a value of `WWW-Authenticate` (RFC 9110 §11.6.1). */
  readonly challenge: string | undefined
  /** Texts of the server in which the fault was recognised: they go with it, word for word. */
  readonly said?: readonly string[] | undefined
  readonly entry: FaultKind
}

export interface FaultChange {
  /** Follows from the evidence where there is some. */
  readonly sideEffect?: SideEffect
  readonly evidence?: Evidence | undefined
  readonly retryable?: boolean
  readonly retryAfterMs?: number | undefined
  readonly detail?: Readonly<Record<string, unknown>>
  readonly challenge?: string | undefined
  readonly said?: readonly string[] | undefined
}

/** Makes a fault of a catalogue entry. Use the catalogue's `fault(kind, …)`, which knows the entries by name. */
export function makeFault(kind: string, entry: FaultKind, change: FaultChange = {}): Fault {
  const { detail = {}, evidence, retryAfterMs, challenge, said } = change
  const retryable = change.retryable ?? entry.retryable
  const sideEffect = evidence === undefined ? (change.sideEffect ?? 'none') : effectOf(evidence)
  const sentence = fill(entry.agent, { ...detail, effect: effectText(sideEffect, retryable) })
  const message = typeof detail.advice === 'string' ? `${sentence} ${detail.advice}` : sentence
  return { kind, category: entry.category, retryable, retryAfterMs, sideEffect, evidence, message, detail, challenge, said, entry }
}

/** The same fault, of a call of which an earlier attempt may have been executed. */
export function afterUnknown(fault: Fault, repeatable: boolean): Fault {
  const { kind, entry, evidence, challenge, ...rest } = fault
  const made = makeFault(kind, entry, { ...rest, sideEffect: 'unknown', retryable: fault.retryable && repeatable })
  return { ...made, evidence, challenge }
}

function effectOf(evidence: Evidence): SideEffect {
  return evidence.execution === 'unknown' ? 'unknown' : 'none'
}

function effectText(sideEffect: SideEffect, retryable: boolean): string {
  if (sideEffect === 'none') return 'It was not executed.'
  if (sideEffect === 'applied') return 'It was executed.'
  if (retryable) return 'It may have been executed; it is said to be safe to call again.'
  return 'It may or may not have been executed: check before calling it again.'
}

function fill(sentence: string, detail: Readonly<Record<string, unknown>>): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = detail[name]
    return value === undefined ? 'unknown' : typeof value === 'string' ? value : JSON.stringify(value)
  })
}
