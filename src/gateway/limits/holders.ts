// Which limits hold for a call: of its server and item, of its principal, of its run and team. Each list is made once and found again by the
// next call, so that a call that is refused, however often, makes nothing.
import { LRUCache } from 'lru-cache'
import type { Call, RoutedCall, TargetedCall, UpstreamId } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import type { Counted, RatesOf, UsedKind } from '../../core/call/item-rates.ts'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import { type Run, runKey } from '../../core/call/run.ts'
import { gatewayKey, type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { ItemRates } from '../../core/call/tool-settings.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Rate } from '../../core/text/rate.ts'
import type { Mark } from './fingerprint.ts'
import type { KeptUsage } from './kept-usage.ts'
import { budgetLimit, type Limit, longestRunMs, rateLimit, type Scope, type Unit } from './limit.ts'
import type { BudgetSettings } from './settings.ts'

/** Principals, and runs, whose limits are found at once; those of others are made anew, and what they used is in the store. */
const mostHolders = 10_000

/** A server, or what of it has rates of its own. */
interface Used {
  readonly upstream: UpstreamId
  /** Undefined of the server. */
  readonly item: Omit<Counted, 'rates'> | undefined
  readonly rates: ItemRates | undefined
  readonly limits: readonly Limit[]
}

/** What tells the calls of a tool in a run from others. */
export interface Repeated {
  /** The fingerprint of the run. */
  readonly run: number
  /** That of the tool in it, before arguments. */
  readonly tool: Mark
}

interface Found {
  readonly shared: readonly Limit[]
  readonly own: readonly Limit[]
  readonly ofRun: readonly Limit[]
  /** Undefined of what is no call of a tool, and where loops are not looked for. */
  readonly repeated: Repeated | undefined
}

/** All limits of a call, and when its run began, so that the next call of the same run, principal and item finds them at once. */
export interface Known extends Found {
  readonly principal: Principal
  /** Ms since the epoch; undefined where the time of runs is not limited. */
  readonly beganMs: number | undefined
  /** Monotonic ms until which nothing is looked up, so that what is in use is known as such. */
  readonly untilMs: number
}

const knownForMs = 10_000
/** Items of one run. */
const mostKnown = 200

type UsedItems = Map<UpstreamId, Map<string, Used>>

interface Holder {
  readonly team: string | undefined
  readonly budgets: readonly Limit[]
  /** By what is used, with the budgets. */
  readonly lists: Map<Used, readonly Limit[]>
}

export interface HoldersParts {
  readonly rateOf: (upstream: UpstreamId) => Rate | undefined
  /** Absent: prompts and resources have the rate of their server alone. */
  readonly ratesOf?: RatesOf | undefined
  readonly budgets: BudgetSettings
  readonly clock: Clock
  readonly kept?: KeptUsage | undefined
}

/** Items of a kind of a server, and lists of a holder, before they are made anew: a server may have ever new names. */
const mostItems = 10_000
const mostLists = 1_000
/** Runs whose beginning is known. */
const mostBegan = 100_000

const none: readonly Limit[] = []
const units = ['calls', 'tokens', 'cost'] as const satisfies readonly Unit[]
/** In keys of stores the unit in which amounts are there, so that one of another measure is never taken for it. */
const keyed: Readonly<Record<Unit, string>> = { calls: 'calls', tokens: 'tokens', cost: 'cost_billionths' }

export class Holders {
  private readonly rateOf: HoldersParts['rateOf']
  private readonly ratesOf: RatesOf | undefined
  private readonly budgets: BudgetSettings
  private readonly servers = new Map<UpstreamId, Used>()
  private readonly items: Readonly<Record<UsedKind, UsedItems>> = { tool: new Map(), prompt: new Map(), resource: new Map() }
  private readonly principals = new LRUCache<TenantKey, Holder>({ max: mostHolders })
  private readonly runs = new LRUCache<TenantKey, Holder>({ max: mostHolders })
  private readonly began = new LRUCache<TenantKey, number>({ max: mostBegan })
  private knownOf = new WeakMap<Run, Map<Item, Known>>()
  private readonly clock: Clock
  private readonly kept: KeptUsage | undefined
  private lastRun: Run | undefined
  private lastKey: TenantKey | undefined
  private readonly principalsHave: boolean
  private readonly runsHave: boolean

  constructor({ rateOf, ratesOf, budgets, clock, kept }: HoldersParts) {
    this.clock = clock
    this.kept = kept
    this.rateOf = rateOf
    this.ratesOf = ratesOf
    this.budgets = budgets
    this.principalsHave = hasAny(budgets.principal)
    this.runsHave = units.some((unit) => budgets.run[unit] !== undefined) || hasAny(budgets.team)
  }

  /** Rates of servers may be others from now on; what is used of them stays. */
  reconsider(): void {
    this.servers.clear()
    for (const items of Object.values(this.items)) items.clear()
    this.knownOf = new WeakMap()
  }

  /** What `learn` was told of such a call. */
  known(call: TargetedCall, nowMs: number): Known | undefined {
    if (call.family !== 'invoke') return undefined
    const known = this.knownOf.get(call.run)?.get((call as RoutedCall).item)
    return known !== undefined && nowMs < known.untilMs && known.principal === call.caller.principal ? known : undefined
  }

  /** Of a call that was let in. */
  learn(call: TargetedCall, { shared, own, ofRun, repeated }: Found, nowMs: number): void {
    const item = itemOf(call)
    if (item === undefined) return
    let items = this.knownOf.get(call.run)
    if (items === undefined) {
      items = new Map()
      this.knownOf.set(call.run, items)
    }
    if (items.size >= mostKnown) items.clear()
    const { principal } = call.caller
    const beganMs = this.budgets.run.time === undefined ? undefined : this.began.get(this.keyOf(principal, call.run))
    items.set(item, { principal, shared, own, ofRun, repeated, beganMs, untilMs: nowMs + knownForMs })
  }

  /** What all callers have together. */
  shared(call: TargetedCall): readonly Limit[] {
    return this.used(call).limits
  }

  ofPrincipal(call: TargetedCall): readonly Limit[] {
    return call.family === 'invoke' ? this.principalOf(call) : none
  }

  /** Of the run and of the team that it is told to. `make` false: of a run that is known already. */
  ofRun(call: TargetedCall, make: boolean): readonly Limit[] {
    return call.family === 'invoke' ? this.runOf(call, make) : none
  }

  /** The budgets of who looks after a task. */
  ofTask(call: TargetedCall): readonly Limit[] {
    return [...this.principalOf(call), ...this.runOf(call, false)]
  }

  private principalOf(call: TargetedCall): readonly Limit[] {
    const used = this.used(call)
    const rate = used.rates?.ratePerPrincipal
    if (rate === undefined && !this.principalsHave) return none
    const { principal } = call.caller
    const key = principalKey(principal)
    let holder = this.principals.get(key)
    if (holder === undefined) {
      holder = { team: undefined, budgets: this.budgetsOf('principal', principal, key), lists: new Map() }
      this.principals.set(key, holder)
    }
    return holder.lists.get(used) ?? listOf(holder, used, rate, 'principal', principal.tenant, key)
  }

  private runOf(call: TargetedCall, make: boolean): readonly Limit[] {
    const used = this.used(call)
    const rate = used.rates?.ratePerRun
    if (rate === undefined && !this.runsHave) return none
    const { principal } = call.caller
    const { run } = call
    const key = this.keyOf(principal, run)
    let holder = this.runs.get(key)
    if (holder === undefined || holder.team !== run.team) {
      if (!make) return none
      const team = run.team === undefined ? none : this.budgetsOf('team', principal, run.team, run.team)
      holder = { team: run.team, budgets: [...this.budgetsOf('run', principal, key, run.id), ...team], lists: new Map() }
      this.runs.set(key, holder)
    }
    return holder.lists.get(used) ?? listOf(holder, used, rate, 'run', principal.tenant, key, run)
  }

  /** How long the run has gone on, where that is limited. A run that is not known yet begins now, where `begin` says so. */
  ageOfRun(call: TargetedCall, begin: boolean): number {
    const key = this.keyOf(call.caller.principal, call.run)
    const now = this.clock.now()
    const known = this.began.get(key)
    if (known !== undefined && now - known < longestRunMs) return Math.max(0, now - known)
    if (begin) {
      this.began.set(key, now)
      this.kept?.noteMoment(key, now, longestRunMs)
    }
    return 0
  }

  /** A run that began before the start. */
  restoreRun(key: TenantKey, beganMs: number): void {
    this.began.set(key, beganMs)
  }

  private keyOf(principal: Principal, run: Run): TenantKey {
    if (run !== this.lastRun || this.lastKey === undefined) {
      this.lastRun = run
      this.lastKey = runKey(principal, run)
    }
    return this.lastKey
  }

  /** Every limit that calls have met lately, once each. */
  all(): Iterable<Limit> {
    const found = new Map<TenantKey, Limit>()
    const take = (limits: readonly Limit[]): void => {
      for (const limit of limits) found.set(limit.key, limit)
    }
    for (const { limits } of this.servers.values()) take(limits)
    for (const servers of Object.values(this.items)) {
      for (const items of servers.values()) for (const { limits } of items.values()) take(limits)
    }
    for (const holders of [this.principals, this.runs]) {
      for (const { budgets, lists } of holders.values()) {
        take(budgets)
        for (const list of lists.values()) take(list)
      }
    }
    return found.values()
  }

  private budgetsOf(scope: 'run' | 'principal' | 'team', { tenant }: Principal, of: string, holder?: string): readonly Limit[] {
    const settings = this.budgets[scope]
    const found: Limit[] = []
    for (const unit of units) {
      const most = settings[unit]
      if (most !== undefined) found.push(budgetLimit(tenantKey(tenant, 'budget', scope, of, keyed[unit]), most, unit, scope, holder))
    }
    return found
  }

  private used(call: TargetedCall): Used {
    const server = this.servers.get(call.upstream) ?? this.server(call.upstream)
    if (call.family !== 'invoke') return server
    const { item } = call as RoutedCall
    if (item.kind === 'tool') return this.usedItem(server, 'tool', item.name, item.name, item.settings)
    const counted = this.ratesOf?.(item)
    return counted === undefined ? server : this.usedItem(server, counted.kind, counted.key, counted.name, counted.rates)
  }

  private usedItem(server: Used, kind: UsedKind, key: string, name: string, rates: ItemRates): Used {
    const { upstream } = server
    let items = this.items[kind].get(upstream)
    if (items === undefined) {
      items = new Map()
      this.items[kind].set(upstream, items)
    }
    const found = items.get(key)
    if (found?.rates !== undefined && sameRates(found.rates, rates)) return found
    const item = { kind, key, name }
    const of = gatewayKey('rate', upstream, ...partsOfItem(item))
    const limits = rates.rate === undefined ? server.limits : [...server.limits, rateLimit(of, rates.rate, kind, upstream, item)]
    const made = { upstream, item, rates, limits }
    if (items.size >= mostItems) items.clear()
    items.set(key, made)
    return made
  }

  private server(upstream: UpstreamId): Used {
    const rate = this.rateOf(upstream)
    const limits = rate === undefined ? none : [rateLimit(gatewayKey('rate', upstream), rate, 'upstream', upstream)]
    const made = { upstream, item: undefined, rates: undefined, limits }
    this.servers.set(upstream, made)
    return made
  }
}

/** The tool that is called; undefined of what is no call of a tool. */
export function itemOf(call: Call): RoutedCall['item'] | undefined {
  if (call.family !== 'invoke') return undefined
  const { item } = call as RoutedCall
  return item.kind === 'tool' ? item : undefined
}

function hasAny(budgets: Readonly<Record<string, unknown>>): boolean {
  return Object.values(budgets).some((one) => one !== undefined)
}

/** A catalog that is read anew makes settings anew, of the same rates. */
function sameRates(a: ItemRates, b: ItemRates): boolean {
  return a === b || (a.rate === b.rate && a.ratePerPrincipal === b.ratePerPrincipal && a.ratePerRun === b.ratePerRun)
}

/** A tool may have the name of a prompt. */
function partsOfItem({ kind, key }: Omit<Counted, 'rates'>): readonly string[] {
  return kind === 'tool' ? [key] : [key, kind]
}

function listOf(
  { budgets, lists }: Holder,
  used: Used,
  rate: Rate | undefined,
  scope: Scope,
  tenant: string,
  of: string,
  run?: Run,
): readonly Limit[] {
  const { upstream, item } = used
  const made =
    rate === undefined || item === undefined
      ? budgets
      : [
          ...budgets,
          {
            ...rateLimit(tenantKey(tenant, 'rate', scope, of, upstream, ...partsOfItem(item)), rate, scope, upstream, item),
            holder: run?.id,
          },
        ]
  if (lists.size >= mostLists) lists.clear()
  lists.set(used, made)
  return made
}
