// Last good answers of tools that only read, where configuration allows them to be given in place of one that fails (`staleFor`): each to the
// principal that had it, for the same call, and marked with its age. Nothing is kept of other tools.
import { createHash } from 'node:crypto'
import type { RoutedCall } from '../../core/call/call.ts'
import { type Complete, complete, type Outcome } from '../../core/call/outcome.ts'
import { payload } from '../../core/call/payload.ts'
import { principalKey } from '../../core/call/principal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'

/** Bytes of one answer that are kept, and of all. */
export const mostBytesOfOne = 1_048_576
export const mostBytes = 33_554_432
/** And what an entry itself takes. */
const entryBytes = 512

const stalePath = ['_meta', `${vendorPrefix}stale`]

/** The server, or what stands behind it, failed; what a server says of the call itself is its answer. */
const failures: ReadonlySet<string> = new Set([
  ...['upstream_unavailable', 'upstream_timeout', 'upstream_start_failed', 'upstream_protocol_error', 'outcome_unknown'],
  ...['overloaded', 'upstream_busy', 'upstream_http_error', 'downstream_rate_limited', 'circuit_open'],
])

interface Kept {
  readonly answer: Complete
  /** Monotonic ms. */
  readonly at: number
  readonly bytes: number
}

export class StaleAnswers {
  private readonly clock: Clock
  /** The one that was kept first comes first. */
  private readonly kept = new Map<string, Kept>()
  private bytes = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  get keptBytes(): number {
    return this.bytes
  }

  /** A good answer; one that is doubtful is none. */
  keep(call: RoutedCall, answer: Complete): void {
    const bytes = answer.result.bytes.length + entryBytes
    if (answer.facts.isError || answer.facts.suspect !== undefined || bytes > mostBytesOfOne) return
    const key = keyOf(call)
    this.drop(key)
    // Its own bytes: those of the answer may be a part of a larger message.
    const own = { ...answer, result: payload(Buffer.from(answer.result.bytes)) }
    this.kept.set(key, { answer: own, at: this.clock.mono(), bytes })
    this.bytes += bytes
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= mostBytes) break
      this.drop(oldest)
    }
  }

  /** What is given in place of the fault. */
  inPlaceOf({ kind }: Fault, call: RoutedCall, staleForMs: number): Outcome | undefined {
    if (!failures.has(kind)) return undefined
    const key = keyOf(call)
    const found = this.kept.get(key)
    if (found === undefined) return undefined
    const ageMs = Math.round(this.clock.mono() - found.at)
    if (ageMs > staleForMs) {
      this.drop(key)
      return undefined
    }
    const { result, facts } = found.answer
    const marked = result.edit([{ path: stalePath, value: JSON.stringify({ age_ms: ageMs, fault: kind }) }])
    return complete(marked, { ...facts, hasMeta: true, bytes: marked.bytes.length })
  }

  private drop(key: string): void {
    const found = this.kept.get(key)
    if (found === undefined) return
    this.kept.delete(key)
    this.bytes -= found.bytes
  }
}

/** Whose call it is (tenant and principal), and all that an answer could hang on. */
function keyOf({ caller, upstream, method, item, target, params }: RoutedCall): string {
  const body = params.json()
  const args = isObject(body) ? body.arguments : undefined
  const what = JSON.stringify([principalKey(caller.principal), upstream, method, item.name, target, args ?? null, caller.headers ?? null])
  return createHash('sha256').update(what).digest('base64url')
}
