// Limits as operators see them: whose, what of, and how much of it is used.
import { createHash } from 'node:crypto'
import type { Clock } from '../../core/ports/clock.ts'
import type { LimitStore } from '../../core/ports/limit-store.ts'
import { type Limit, partsOf, told } from './limit.ts'

export interface LimitStatus {
  /** What `clear` takes. */
  readonly id: string
  readonly kind: string
  readonly scope: string
  readonly unit: string
  readonly upstream?: string
  readonly tool?: string
  readonly prompt?: string
  readonly resource?: string
  readonly issuer?: string
  readonly subject?: string
  readonly run?: string
  readonly team?: string
  readonly used: number
  readonly limit: number
  readonly windowMs?: number
  /** When some of it comes back, in ms since the epoch. */
  readonly resetsAtMs?: number
}

export function shown(limits: Iterable<Limit>, store: LimitStore, clock: Clock): readonly LimitStatus[] {
  const found: LimitStatus[] = []
  const now = clock.mono()
  for (const limit of limits) {
    const used = store.used(limit, now)
    if (used > 0) found.push(statusOf(limit, used, clock.now() + Math.ceil(store.resetsInMs(limit, now))))
  }
  return found.sort((a, b) => b.used / b.limit - a.used / a.limit)
}

/** Short, and the same for the same key: people type it. */
export function idOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12)
}

function statusOf(limit: Limit, used: number, resetsAtMs: number): LimitStatus {
  const { key, kind, scope, unit, upstream, item, most, periodMs, total } = limit
  return {
    id: idOf(key),
    kind,
    scope,
    unit,
    ...(upstream === undefined ? {} : { upstream }),
    ...(item === undefined ? {} : { [item.kind]: item.name }),
    ...holderOf(limit),
    used: told(limit, used),
    limit: told(limit, most),
    ...(total ? {} : { windowMs: periodMs, resetsAtMs }),
  }
}

/** By the keys of `holders.ts`: the tenant, the kind, the scope, and whose it is, which is a key itself where it is no team. */
function holderOf({ key, scope }: Limit): Partial<LimitStatus> {
  const of = partsOf(key)[3] ?? ''
  if (scope === 'team') return { team: of }
  if (scope === 'principal') return principalOf(of)
  if (scope !== 'run') return {}
  const [, , principal = '', run = ''] = partsOf(of)
  return { ...principalOf(principal), run }
}

function principalOf(key: string): Partial<LimitStatus> {
  const [, issuer = '', subject = ''] = partsOf(key)
  return { issuer, subject }
}
