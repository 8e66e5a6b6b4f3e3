// A fault is a failure as a value: one of the catalogue's kinds, with what an agent, an operator and a metric need to know of it.
// A peer's failure is always a fault; a throw is our own bug.

export type Category = 'tool' | 'configuration' | 'transport' | 'authentication' | 'integration'

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
  /** One sentence for the agent to relay; `{name}` is replaced by the detail of that name. */
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
  /** The sentence, filled in. */
  readonly message: string
  /** Facts for programs: `upstream`, `tool`, `layer`, `violations`, … JSON values, never secrets. */
  readonly detail: Readonly<Record<string, unknown>>
  /** What a client has to bring instead, as a value of `WWW-Authenticate` (RFC 9110 §11.6.1). */
  readonly challenge: string | undefined
  readonly entry: FaultKind
}

export interface FaultChange {
  readonly sideEffect?: SideEffect
  readonly retryable?: boolean
  readonly retryAfterMs?: number
  readonly detail?: Readonly<Record<string, unknown>>
  readonly challenge?: string
}

/** Makes a fault of a catalogue entry. Use the catalogue's `fault(kind, …)`, which knows the entries by name. */
export function makeFault(kind: string, entry: FaultKind, change: FaultChange = {}): Fault {
  const detail = change.detail ?? {}
  return {
    kind,
    category: entry.category,
    retryable: change.retryable ?? entry.retryable,
    retryAfterMs: change.retryAfterMs,
    sideEffect: change.sideEffect ?? 'none',
    message: fill(entry.agent, detail),
    detail,
    challenge: change.challenge,
    entry,
  }
}

function fill(sentence: string, detail: Readonly<Record<string, unknown>>): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = detail[name]
    return value === undefined ? 'unknown' : typeof value === 'string' ? value : JSON.stringify(value)
  })
}
