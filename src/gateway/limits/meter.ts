// What a call uses beside being one: tokens of its arguments and result, and what they cost. Estimated before it is sent, from its arguments
// and from what its tool gave before; known when it is back.
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import type { Random } from '../../core/ports/clock.ts'
import { locate } from '../../core/protocol/locate.ts'
import { LearnedTokens } from './learned-tokens.ts'
import type { BudgetSettings, PriceSettings } from './settings.ts'

/** By the unit of a limit. */
export interface Amounts {
  readonly calls: number
  readonly tokens: number
  readonly cost: number
  /** Tokens of the arguments, which are part of `tokens`. */
  readonly sent: number
  /** What was learned of the item that is called; undefined where nothing was. */
  readonly learned: Learned | undefined
}

/** Of a call where nothing but calls is counted. */
export const oneCall: Amounts = { calls: 1, tokens: 0, cost: 0, sent: 0, learned: undefined }
/** Of what belongs to a call that was counted. */
export const nothingMore: Amounts = { calls: 0, tokens: 0, cost: 0, sent: 0, learned: undefined }
export interface MeterParts {
  readonly prices: PriceSettings
  readonly random: Pick<Random, 'fraction'>
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
  private readonly random: Pick<Random, 'fraction'>
  private readonly countTokens: ((text: Uint8Array) => number) | undefined
  private readonly items = new Map<string, Learned>()
  /** The same, found at once; a catalog that is read anew has other definitions. */
  private readonly ofDefinitions = new WeakMap<Item, Learned>()
  /** Of items that are too many to be remembered. */
  private readonly others: Learned = newItem()

  constructor({ prices, random, countTokens }: MeterParts) {
    this.prices = prices
    this.random = random
    this.countTokens = countTokens
  }

  estimate(call: TargetedCall): Amounts {
    const learned = this.itemOf(call)
    // Whole, as what comes back: a tool whose results are all as long has nothing to be put right.
    const got = this.countTokens === undefined ? 0 : Math.round(learned.result ?? unknownResult)
    return this.priced(call, 1, this.count(call.params, learned.sent), got, learned)
  }

  /** Of a further leg of a call: what its client answers. */
  leg(call: TargetedCall): Amounts {
    const answers = locate(call.params.bytes, ['inputResponses'])
    return answers === undefined ? nothingMore : this.priced(call, 0, this.count(payload(answers), this.itemOf(call).sent), 0)
  }

  /** Of what was sent when it is back. */
  actual(call: TargetedCall, estimated: Amounts, outcome: Outcome): Amounts {
    const { calls, sent } = estimated
    if (outcome.kind === 'fault') return this.priced(call, calls, sent, 0)
    if (call.family === 'task') return this.ofTask(call, outcome)
    const learned = estimated.learned ?? this.itemOf(call)
    const got = this.count(outcome.kind === 'input_required' ? outcome.requests : outcome.result, learned.got)
    if (outcome.kind === 'complete') learned.result = learned.result === undefined ? got : learned.result + (got - learned.result) / 8
    return sent + got === estimated.tokens ? estimated : this.priced(call, calls, sent, got)
  }

  /** Of a task that was looked after: its result, once it has one. */
  private ofTask(call: TargetedCall, outcome: Outcome): Amounts {
    const result = outcome.kind === 'complete' ? locate(outcome.result.bytes, ['result']) : undefined
    return result === undefined ? nothingMore : this.priced(call, 0, 0, this.count(payload(result), this.itemOf(call).got))
  }

  private priced(call: TargetedCall, calls: number, sent: number, got: number, learned?: Learned): Amounts {
    const cost = 'item' in call ? (call as RoutedCall).item.settings.cost : undefined
    const tokens = sent + got
    return { calls, tokens, sent, learned, cost: calls * (cost?.call ?? 0) + tokens * (cost?.token ?? this.prices.perToken) }
  }

  private count(text: Payload, learned: LearnedTokens): number {
    if (this.countTokens === undefined) return 0
    const length = text.size
    const known = learned.of(length, this.random.fraction())
    if (known !== undefined) return known
    const tokens = this.countTokens(text.bytes)
    learned.learn(length, tokens)
    return tokens
  }

  private itemOf(call: TargetedCall): Learned {
    const definition = 'item' in call ? (call as RoutedCall).item : undefined
    const known = definition === undefined ? undefined : this.ofDefinitions.get(definition)
    if (known !== undefined) return known
    const key = itemKey(call)
    let item = this.items.get(key)
    if (item === undefined) {
      if (this.items.size >= mostItems) return this.others
      item = newItem()
      this.items.set(key, item)
    }
    if (definition !== undefined) this.ofDefinitions.set(definition, item)
    return item
  }
}

export interface Learned {
  readonly sent: LearnedTokens
  readonly got: LearnedTokens
  /** Tokens of its last results, the newer counting more; undefined before the first. */
  result: number | undefined
}

function newItem(): Learned {
  return { sent: new LearnedTokens(), got: new LearnedTokens(), result: undefined }
}

/** By its definition's name: URIs made from one template are many. */
function itemKey(call: TargetedCall): string {
  return 'item' in call ? `${call.upstream}/${(call as RoutedCall).item.name}` : call.upstream
}
