// What a call uses beside being one: tokens of its arguments and result, and what they cost. Estimated before it is sent, from its arguments
// and from what its tool gave before; known when it is back.
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import type { BudgetSettings, PriceSettings } from './settings.ts'

/** By the unit of a limit. */
export interface Amounts {
  readonly calls: number
  readonly tokens: number
  readonly cost: number
}

/** Of a call where nothing but calls is counted. */
export const oneCall: Amounts = { calls: 1, tokens: 0, cost: 0 }
/** Of a further leg of a call. */
export const nothingYet: Amounts = { calls: 0, tokens: 0, cost: 0 }

export interface MeterParts {
  readonly prices: PriceSettings
  /** Of UTF-8; undefined: no budget needs them. */
  readonly countTokens: ((text: Uint8Array) => number) | undefined
}

/** Whether anything is counted but calls, and tokens with it. */
export function meters({ run, principal, team }: BudgetSettings): { readonly tokens: boolean; readonly cost: boolean } {
  const any = (unit: 'tokens' | 'cost'): boolean => run[unit] !== undefined || principal[unit] !== undefined || team[unit] !== undefined
  return { tokens: any('tokens'), cost: any('cost') }
}

/** Tokens of a result of a tool that gave none yet. */
const unknownResult = 256
/** Items whose results are remembered. */
const mostItems = 10_000

export class Meter {
  private readonly prices: PriceSettings
  private readonly countTokens: (text: Uint8Array) => number
  private readonly results = new Map<string, number>()

  constructor({ prices, countTokens }: MeterParts) {
    this.prices = prices
    this.countTokens = countTokens ?? (() => 0)
  }

  estimate(call: TargetedCall): Amounts {
    const sent = this.countTokens(call.params.bytes)
    return this.priced(call, 1, sent, this.results.get(itemKey(call)) ?? unknownResult)
  }

  /** Of a call that was sent, or of a further leg of one (`calls` 0). */
  actual(call: TargetedCall, calls: number, outcome: Outcome): Amounts {
    const sent = this.countTokens(call.params.bytes)
    const got =
      outcome.kind === 'fault' ? 0 : this.countTokens(outcome.kind === 'input_required' ? outcome.requests.bytes : outcome.result.bytes)
    if (outcome.kind === 'complete') this.learn(itemKey(call), got)
    return this.priced(call, calls, sent, got)
  }

  private priced(call: TargetedCall, calls: number, sent: number, got: number): Amounts {
    const cost = 'item' in call ? (call as RoutedCall).item.settings.cost : undefined
    const tokens = sent + got
    return { calls, tokens, cost: calls * (cost?.call ?? 0) + tokens * (cost?.token ?? this.prices.perToken) }
  }

  private learn(key: string, tokens: number): void {
    const known = this.results.get(key)
    if (known === undefined && this.results.size >= mostItems) return
    this.results.set(key, known === undefined ? tokens : known + (tokens - known) / 8)
  }
}

/** By its definition's name: URIs made from one template are many. */
function itemKey(call: TargetedCall): string {
  return 'item' in call ? `${call.upstream}/${(call as RoutedCall).item.name}` : call.upstream
}
