// How many tokens each run has used, and which of them use many times what is usual: noticed while they are under way, in the call with which
// they go beyond it. Usual is learned of each client and team from runs that are over. Bounded in runs and kinds.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Usage } from '../../core/call/record.ts'
import { type Run, runKey } from '../../core/call/run.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { UnusualRun } from '../../core/ports/run-usage.ts'
import { UsualRuns } from './usual-runs.ts'

/** Ms without a call after which a run is over. */
export const quietMs = 3_600_000
/** Runs that are under way, and kinds of them, that are known at once. */
const mostOpen = 10_000
const mostKinds = 1_000
/** Runs of a principal that are found at once. */
const mostFound = 1_000
/** Characters of the name of a client, which says it of itself. */
const longestClient = 64

/** Runs of one client and team. */
export interface RunKind {
  readonly key: TenantKey
  readonly tenant: string
  readonly usual: UsualRuns
}

export interface OpenRun {
  readonly key: TenantKey
  readonly kind: RunKind
  tokens: number
  calls: number
  told: boolean
  /** Monotonic ms. */
  lastAt: number
  /** No longer what is known of its key. */
  over: boolean
  /** Not written yet, where it is kept. */
  readonly unwritten: { tokens: number; calls: number; told: boolean }
}

/** Hears what is to be kept. */
export interface RunKeeper {
  /** It has used more. */
  changed(run: OpenRun): void
  /** It is over, and remembered in this place of its kind. */
  ended(run: OpenRun, slot: number, tokens: number): void
}

export class RunUsage {
  private readonly unusual: (found: Omit<UnusualRun, 'atMs'>) => void
  private readonly keeper: RunKeeper | undefined
  /** Those that began first first. */
  private readonly open = new Map<TenantKey, OpenRun>()
  /** Those of which a run ended last last. */
  private readonly kinds = new Map<TenantKey, RunKind>()
  /** Each call may bring a run of its own object, and its principal is mostly the same. */
  private readonly found = new WeakMap<Principal, Map<string, OpenRun>>()

  constructor(unusual: (found: Omit<UnusualRun, 'atMs'>) => void, keeper: RunKeeper | undefined) {
    this.unusual = unusual
    this.keeper = keeper
  }

  /** Runs that are under way. */
  get size(): number {
    return this.open.size
  }

  /** `nowMs`: monotonic. */
  note(call: TargetedCall, { sent, got }: Usage, nowMs: number): void {
    const run = this.runOf(call, nowMs)
    const tokens = sent + got
    run.lastAt = nowMs
    run.tokens += tokens
    run.calls += 1
    run.unwritten.tokens += tokens
    run.unwritten.calls += 1
    this.keeper?.changed(run)
    const { limit, usual } = run.kind.usual
    if (run.tokens < limit || run.told) return
    run.told = true
    run.unwritten.told = true
    const { client, principal } = call.caller
    const { id, team } = call.run
    this.unusual({ run: id, principal, client: client?.name, team, tokens: run.tokens, calls: run.calls, usual, limit })
  }

  /** Ends those that are over. */
  sweep(nowMs: number): void {
    for (const run of this.open.values()) if (nowMs - run.lastAt >= quietMs) this.end(run)
  }

  /** What a kind of runs used before the start: its totals, the oldest first. */
  restoreTotal(kind: TenantKey, tenant: string, slot: number, tokens: number): void {
    this.kindOf(kind, tenant).usual.restore(slot, tokens)
  }

  /** A run that was under way before the start. */
  restoreRun(key: TenantKey, kind: TenantKey, tenant: string, used: Pick<OpenRun, 'tokens' | 'calls' | 'told' | 'lastAt'>): void {
    this.begin(key, this.kindOf(kind, tenant), used)
  }

  private runOf(call: TargetedCall, nowMs: number): OpenRun {
    const { principal, client } = call.caller
    const { run } = call
    let found = this.found.get(principal)
    if (found === undefined) {
      found = new Map()
      this.found.set(principal, found)
    }
    const known = found.get(run.id)
    if (known !== undefined && !known.over) return known
    const key = runKey(principal, run)
    const open = this.open.get(key) ?? this.begin(key, this.kindOf(kindKey(principal, client?.name, run), principal.tenant), newRun(nowMs))
    if (found.size >= mostFound) found.clear()
    found.set(run.id, open)
    return open
  }

  private begin(key: TenantKey, kind: RunKind, used: Pick<OpenRun, 'tokens' | 'calls' | 'told' | 'lastAt'>): OpenRun {
    if (this.open.size >= mostOpen) {
      for (const first of this.open.values()) {
        this.end(first)
        break
      }
    }
    const run: OpenRun = { ...used, key, kind, over: false, unwritten: { tokens: 0, calls: 0, told: false } }
    this.open.set(key, run)
    return run
  }

  private end(run: OpenRun): void {
    run.over = true
    this.open.delete(run.key)
    const { kind } = run
    // What makes up names of clients pushes out what makes up names.
    this.kinds.delete(kind.key)
    this.kinds.set(kind.key, kind)
    const { slot, tokens } = kind.usual.add(run.tokens)
    this.keeper?.ended(run, slot, tokens)
  }

  private kindOf(key: TenantKey, tenant: string): RunKind {
    const known = this.kinds.get(key)
    if (known !== undefined) return known
    if (this.kinds.size >= mostKinds) this.makeRoom()
    const kind = { key, tenant, usual: new UsualRuns() }
    this.kinds.set(key, kind)
    return kind
  }

  /** Of the kind of which the fewest runs are known, the one that ended longest ago. */
  private makeRoom(): void {
    let least: RunKind | undefined
    for (const kind of this.kinds.values()) {
      if (least === undefined || kind.usual.totals.length < least.usual.totals.length) least = kind
    }
    if (least !== undefined) this.kinds.delete(least.key)
  }
}

function newRun(nowMs: number): Pick<OpenRun, 'tokens' | 'calls' | 'told' | 'lastAt'> {
  return { tokens: 0, calls: 0, told: false, lastAt: nowMs }
}

/** Runs of a client and a team are alike enough. */
function kindKey({ tenant }: Principal, client: string | undefined, { team }: Run): TenantKey {
  return tenantKey(tenant, 'runs', client?.slice(0, longestClient) ?? '', team ?? '')
}
