// Last good answers of tools that only read, where configuration allows them to be given in place of one that fails (`staleFor`): each to the
// principal that had it, for the same call, marked with its age, and only until that principal calls what may change the server. Nothing is kept
// of other tools.
import { createHash } from 'node:crypto'
import type { RoutedCall } from '../../core/call/call.ts'
import { type Complete, complete, type Outcome } from '../../core/call/outcome.ts'
import { withNote } from '../../core/call/own-note.ts'
import { payload } from '../../core/call/payload.ts'
import { principalKey } from '../../core/call/principal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import { inWords } from '../../core/text/duration.ts'

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
  /** When it was asked for, in monotonic ms. */
  readonly askedAt: number
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

  /** A good answer; one that is doubtful is none. `askedAt`: monotonic ms. */
  keep(call: RoutedCall, answer: Complete, askedAt: number): void {
    const bytes = answer.result.bytes.length + entryBytes
    if (answer.facts.isError || answer.facts.suspect !== undefined || bytes > mostBytesOfOne) return
    const key = keyOf(call)
    this.drop(key)
    // Its own bytes: those of the answer may be a part of a larger message.
    const own = { ...answer, result: payload(Buffer.from(answer.result.bytes)) }
    this.kept.set(key, { answer: own, askedAt, bytes })
    this.bytes += bytes
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= mostBytes) break
      this.drop(oldest)
    }
  }

  /** What is given in place of the fault. `wroteAt`: its caller knows nothing of the server that was so before, in monotonic ms. */
  inPlaceOf({ kind }: Fault, call: RoutedCall, staleForMs: number, wroteAt: number): Outcome | undefined {
    if (!failures.has(kind)) return undefined
    const key = keyOf(call)
    const found = this.kept.get(key)
    if (found === undefined) return undefined
    const ageMs = Math.round(this.clock.mono() - found.askedAt)
    if (ageMs > staleForMs || found.askedAt <= wroteAt) {
      this.drop(key)
      return undefined
    }
    const marked = marking(found.answer, call, ageMs, kind)
    return complete(marked.result, { ...marked.facts, hasMeta: true, bytes: marked.result.bytes.length })
  }

  private drop(key: string): void {
    const found = this.kept.get(key)
    if (found === undefined) return
    this.kept.delete(key)
    this.bytes -= found.bytes
  }
}

function marking(answer: Complete, { upstream, item }: RoutedCall, ageMs: number, fault: string): Complete {
  const mark = { path: stalePath, value: JSON.stringify({ age_ms: ageMs, source: upstream, fault }) }
  if (item.kind === 'tool') {
    const text = `stale: this answer is from ${inWords(ageMs)} ago. The server could not answer now (${fault}); this is its last good answer to the same call. It may have changed since.`
    return withNote(answer, text, mark)
  }
  // How long it may be kept was said when it was new.
  const hints = answer.facts.hasCacheHints ? [{ path: ['ttlMs'], value: '0' }] : []
  return { ...answer, result: answer.result.edit([mark, ...hints]) }
}

/** Whose call it is (tenant and principal), and all that an answer could hang on. */
function keyOf({ caller, upstream, method, item, target, params }: RoutedCall): string {
  const body = params.json()
  const args = isObject(body) ? body.arguments : undefined
  const what = JSON.stringify([principalKey(caller.principal), upstream, method, item.name, target, args ?? null, caller.headers ?? null])
  return createHash('sha256').update(what).digest('base64url')
}
