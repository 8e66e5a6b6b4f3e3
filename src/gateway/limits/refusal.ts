// What an agent reads where a limit refuses its call, and what programs read beside it.
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { UsedKind } from '../../core/call/item-rates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { inWords } from '../../core/text/duration.ts'
import type { Rate } from '../../core/text/rate.ts'
import { type Limit, type Scope, told } from './limit.ts'
import type { Loop } from './loops.ts'

const by: Readonly<Partial<Record<Scope, string>>> = { run: ' in one run', principal: ' by one caller' }

export interface Refused {
  readonly used: number
  /** What the call would take. */
  readonly needed: number
  /** Until it fits; `Infinity` where it never does. */
  readonly waitMs: number
  readonly currency: string
}

export function refusedBy(call: TargetedCall, limit: Limit, { used, needed, waitMs, currency }: Refused, nowMs: number): Outcome {
  const { scope, most, periodMs } = limit
  const wait = Math.ceil(waitMs)
  const finite = Number.isFinite(wait)
  const common = {
    scope,
    limit: told(limit, most),
    used: told(limit, used),
    ...(limit.total ? {} : { window_ms: periodMs }),
    ...(finite && !limit.total ? { resets_at: new Date(nowMs + wait).toISOString() } : {}),
    ...(limit.upstream === undefined ? {} : { upstream: limit.upstream }),
    ...(limit.item === undefined ? {} : { [limit.item.kind]: limit.item.name }),
  }
  if (limit.kind === 'rate') {
    const what = limit.item === undefined ? `The server ${limit.upstream}` : itemsOf(call, limit.item.name)
    const detail = {
      ...common,
      what,
      how: `${hows[limit.item?.kind ?? 'tool']}${by[scope] ?? ''}`,
      window: inWords(periodMs),
      wait: inWords(wait),
    }
    return failed(fault('rate_limited', detail, finite ? { retryAfterMs: wait } : { retryable: false }))
  }
  const detail = {
    ...common,
    unit: limit.unit,
    ...(limit.unit === 'calls' ? {} : { needed: told(limit, needed) }),
    whose: whose(limit),
    what: limit.unit === 'cost' ? currency : limit.unit,
    per: `${limit.total ? '' : ` in ${inWords(periodMs)}`}${limit.unit === 'calls' ? '' : `, and this call is expected to take ${told(limit, needed)} more`}`,
    next: limit.total ? endOfRun : `Some of it comes back in ${inWords(wait)}. Until then answer with what you have, or tell the user.`,
  }
  return failed(fault('budget_exhausted', detail, limit.total || !finite ? {} : { retryAfterMs: wait, retryable: true }))
}

const endOfRun =
  'No further call of this run is taken: answer with what you have, and tell the user what is missing. An operator can raise the budget.'

export function outOfTime(usedMs: number, mostMs: number): Outcome {
  const detail = {
    scope: 'run',
    limit: mostMs,
    used: Math.floor(usedMs),
    unit: 'ms',
    what: 'ms',
    whose: 'this run',
    per: '',
    next: endOfRun,
  }
  return failed(fault('budget_exhausted', detail))
}

export function loopFound(call: TargetedCall, { used, waitMs, length }: Loop, limit: Rate, nowMs: number): Outcome {
  const wait = Math.ceil(waitMs)
  const detail = {
    scope: 'run',
    limit: limit.most,
    used,
    window_ms: limit.periodMs,
    resets_at: new Date(nowMs + wait).toISOString(),
    upstream: call.upstream,
    what: nameOf(call),
    window: inWords(limit.periodMs),
    cycle: length === undefined || length === 1 ? '' : `, in a cycle of ${length} calls`,
    ...(length === undefined ? {} : { cycle_length: length }),
    wait: inWords(wait),
  }
  return failed(fault('loop_detected', detail, { retryAfterMs: wait }))
}

const hows: Readonly<Record<UsedKind, string>> = { tool: 'called', prompt: 'used', resource: 'read' }

/** What counts together. */
function itemsOf(call: TargetedCall, counted: string): string {
  const { kind, within } = (call as RoutedCall).item
  if (kind === 'tool') return nameOf(call)
  if (within === undefined || kind === 'prompt') return `The ${kind} ${nameOf(call)}`
  return within === '' ? `What ${counted} selects and no list has` : `What is of ${within}`
}

function nameOf(call: TargetedCall): string {
  return 'item' in call ? (call as RoutedCall).item.visible : (call.target ?? call.method)
}

function whose({ scope, holder }: Limit): string {
  if (scope === 'run') return 'this run'
  return scope === 'team' ? `the team ${holder}` : 'this caller'
}
