// Servers, or services behind them, that have said when to come back: until then calls are answered so at once. What was said in words
// (`downstream_rate_limited`) is the tool's. What was said by a status of HTTP (429 or 503 with a time) may be its tool's or its server's, since
// proxies know the names of tools: it holds for the tool, and for the server once a second tool meets it meanwhile. When the time is over
// one call goes first, and others follow when it was let in.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Held } from '../../core/call/gates.ts'
import type { Item } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { principalKey } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'

/** Limits that are kept at once, of one upstream; the oldest goes. */
export const mostLimits = 1_024
/** However long is said: it may be wrong, or meant to harm. */
const longestMs = 3_600_000
/** Timers ring a little early, in ms. */
const early = 5
/** Others wait for the call that goes first for so long, in ms: a limit refuses fast, so one that takes longer was let in. */
const probeMs = 5_000
/** What they are told meanwhile. */
const probingMs = 1_000

interface Limit {
  /** Monotonic ms. */
  readonly until: number
  /** Of what the others are told. */
  readonly rule: unknown
  readonly status: unknown
  /** Monotonic ms at which the call that goes first was let go. */
  probedAt: number | undefined
}

/** `tool`: undefined where the whole server is meant. */
export type LimitHeard = (tool: string | undefined, ms: number, status: unknown) => void

type Named = TargetedCall & { readonly item?: Item }

export class ServiceLimits {
  private readonly clock: Clock
  /** Its credential is that of the caller, and so is the limit. */
  perPrincipal: boolean
  private readonly onLimit: LimitHeard
  /** By whose they are; of tools with the tool behind it. */
  private readonly limits = new Map<string, Limit>()

  constructor(clock: Clock, perPrincipal: boolean, onLimit: LimitHeard = () => undefined) {
    this.clock = clock
    this.perPrincipal = perPrincipal
    this.onLimit = onLimit
  }

  /** The outcome of a call that comes too early; `leave` of the one that goes first, to be called with how it ended. */
  enter(call: Named, attempt: number): Outcome | Held | undefined {
    if (this.limits.size === 0) return undefined
    const whose = this.whose(call)
    const ofServer = this.look(whose, call, undefined, attempt)
    if (ofServer !== undefined && 'kind' in ofServer) return ofServer
    const ofTool = this.look(whose + toolOf(call), call, call.item?.name, attempt)
    if (ofServer === undefined || ofTool === undefined) return ofServer ?? ofTool
    if ('kind' in ofTool) {
      ofServer.leave(undefined, call)
      return ofTool
    }
    return {
      leave: (outcome, left) => {
        ofServer.leave(outcome, left)
        ofTool.leave(outcome, left)
      },
    }
  }

  /** A call ended with this. */
  heard({ kind, detail, retryAfterMs = 0 }: Fault, call: Named): void {
    const { named, rule } = detail
    if (named !== true || retryAfterMs <= 0) return
    const status = kind === 'downstream_rate_limited' ? undefined : detail.status
    const whose = this.whose(call)
    const tool = toolOf(call)
    const isNew = !this.isInForce(whose) && !this.isInForce(whose + tool)
    const ms = Math.min(longestMs, retryAfterMs)
    const limit = { until: this.clock.mono() + ms, rule, status, probedAt: undefined }
    const ofServer = status !== undefined && this.isMetBy(whose, whose + tool)
    this.keep(whose + tool, limit)
    if (ofServer) this.keep(whose, { ...limit })
    if (isNew) this.onLimit(ofServer ? undefined : (call.item?.name ?? call.method), ms, status)
  }

  /** What was said before is of no account any more. */
  clear(): void {
    this.limits.clear()
  }

  private look(key: string, call: Named, tool: string | undefined, attempt: number): Outcome | Held | undefined {
    const limit = this.limits.get(key)
    if (limit === undefined) return undefined
    const now = this.clock.mono()
    const leftMs = Math.ceil(limit.until - now)
    if (leftMs > early) return refused(call, tool, limit, leftMs)
    if (limit.probedAt === undefined) {
      limit.probedAt = now
      return { leave: (outcome) => this.probed(key, limit, outcome) }
    }
    if (now - limit.probedAt >= probeMs) this.limits.delete(key)
    // One that has waited already comes late enough, and by chance not at once with others.
    else if (attempt <= 1) return refused(call, tool, limit, probingMs)
    return undefined
  }

  private probed(key: string, limit: Limit, outcome: Outcome | undefined): void {
    // It was told to wait once more.
    if (this.limits.get(key) !== limit) return
    if (wasTaken(outcome)) this.limits.delete(key)
    else limit.probedAt = undefined
  }

  /** Another tool meets a status while this one does. */
  private isMetBy(whose: string, tool: string): boolean {
    const now = this.clock.mono()
    for (const [key, { status, until }] of this.limits)
      if (status !== undefined && until > now && key !== tool && key.startsWith(whose)) return true
    return false
  }

  private isInForce(key: string): boolean {
    const limit = this.limits.get(key)
    return limit !== undefined && limit.until > this.clock.mono()
  }

  private keep(key: string, limit: Limit): void {
    this.limits.delete(key)
    if (this.limits.size >= mostLimits) for (const oldest of this.limits.keys()) if (this.limits.delete(oldest)) break
    this.limits.set(key, limit)
  }

  /** Whoever shares the credential. What its headers hold is a credential too. */
  private whose({ caller }: Named): string {
    return this.perPrincipal ? JSON.stringify([principalKey(caller.principal), caller.headers ?? null]) : '[]'
  }
}

function toolOf({ method, item }: Named): string {
  return JSON.stringify([method, item?.name])
}

/** Whatever came of it, the server or its proxy took it up. */
function wasTaken(outcome: Outcome | undefined): boolean {
  if (outcome?.kind !== 'fault') return outcome !== undefined
  const { evidence } = outcome.fault
  return evidence !== undefined && evidence.execution !== 'not_sent'
}

/** The words themselves were said to another call, perhaps of another caller. */
function refused(call: Named, tool: string | undefined, { rule, status }: Limit, retryAfterMs: number): Outcome {
  const scope = tool === undefined ? { scope: 'upstream' } : { scope: 'tool', tool }
  const said = status === undefined ? { rule } : { status }
  const detail = { upstream: call.upstream, ...scope, ...said, held: true, retryAfterMs }
  return failed(fault('downstream_rate_limited', detail, { retryAfterMs }))
}
