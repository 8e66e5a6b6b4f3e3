// What a call uses beside being one: tokens of its arguments and result, and what they cost. Estimated before it is sent, from its arguments
// and from what its tool gave before; known when it is back. Tokens follow from what was learned of texts of their length; until something
// was, from their characters. Texts are counted exactly elsewhere, and no call waits for that.
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import { billionthsOf } from '../../core/call/money.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import type { Random } from '../../core/ports/clock.ts'
import type { TokenCounter } from '../../core/ports/token-counter.ts'
import { locate } from '../../core/protocol/locate.ts'
import { LearnedTokens } from './learned-tokens.ts'
import type { PriceSettings } from './settings.ts'

/** By the unit of a limit. */
export interface Amounts {
  readonly calls: number
  readonly tokens: number
  /** In billionths of the currency: a whole number. */
  readonly cost: number
  /** Tokens of the arguments, which are part of `tokens`. */
  readonly sent: number
  /** Some of the tokens were taken from the characters alone. */
  readonly estimated: boolean
  /** What was learned of the item that is called; undefined where nothing was. */
  readonly learned: Learned | undefined
}

/** Of a call where nothing but calls is counted. */
export const oneCall: Amounts = { calls: 1, tokens: 0, cost: 0, sent: 0, estimated: false, learned: undefined }
/** Of what belongs to a call that was counted. */
export const nothingMore: Amounts = { calls: 0, tokens: 0, cost: 0, sent: 0, estimated: false, learned: undefined }

export interface MeterParts {
  readonly prices: PriceSettings
  readonly random: Pick<Random, 'fraction'>
  readonly counter: TokenCounter
}

/** Tokens of a result of a tool that gave none yet. */
const unknownResult = 256
/** Items whose results are remembered. */
const mostItems = 10_000

export class Meter {
  private readonly counter: TokenCounter
  private readonly fraction: () => number
  private readonly perToken: number
  private readonly items = new Map<string, Learned>()
  /** The same, found at once; a catalog that is read anew has other definitions. */
  private readonly ofDefinitions = new WeakMap<Item, Learned>()
  /** Of items that are too many to be remembered. */
  private readonly others: Learned = newItem()
  /** The text that was looked at last was not known by its length. */
  private guessed = false

  constructor({ prices, random, counter }: MeterParts) {
    this.counter = counter
    this.fraction = () => random.fraction()
    this.perToken = prices.perToken
  }

  estimate(call: TargetedCall): Amounts {
    const learned = this.itemOf(call)
    // Whole, as what comes back: a tool whose results are all as long has nothing to be put right.
    const got = Math.round(learned.result ?? unknownResult)
    const sent = this.count(call.params, learned.sent)
    return this.priced(call, 1, 1, sent, got, this.guessed, learned)
  }

  /** Of a further leg of a call: what its client answers. */
  leg(call: TargetedCall): Amounts {
    const answers = locate(call.params.bytes, ['inputResponses'])
    if (answers === undefined) return nothingMore
    const sent = this.count(payload(answers), this.itemOf(call).sent)
    return this.priced(call, 0, 0, sent, 0, this.guessed)
  }

  /** Of what was sent when it is back. `executions`: how often its server executed it, or may have. Undefined: a bug of ours ended it. */
  actual(call: TargetedCall, estimated: Amounts, outcome: Outcome | undefined, executions: number): Amounts {
    if (call.family === 'task') return this.ofTask(call, outcome)
    const { calls, sent } = estimated
    const priced = calls === 0 ? 0 : executions
    if (outcome === undefined || outcome.kind === 'fault') return this.priced(call, calls, priced, sent, 0, estimated.estimated)
    const learned = estimated.learned ?? this.itemOf(call)
    const got = this.count(outcome.kind === 'input_required' ? outcome.requests : outcome.result, learned.got)
    if (outcome.kind === 'complete') learned.result = learned.result === undefined ? got : learned.result + (got - learned.result) / 8
    const isGuess = this.guessed || estimated.estimated
    if (sent + got === estimated.tokens && priced === calls && isGuess === estimated.estimated) return estimated
    return this.priced(call, calls, priced, sent, got, isGuess)
  }

  /** Of a task that was looked after: its result, once it has one. */
  private ofTask(call: TargetedCall, outcome: Outcome | undefined): Amounts {
    const result = outcome?.kind === 'complete' ? locate(outcome.result.bytes, ['result']) : undefined
    if (result === undefined) return nothingMore
    const got = this.count(payload(result), this.itemOf(call).got)
    return this.priced(call, 0, 0, 0, got, this.guessed)
  }

  private priced(
    call: TargetedCall,
    calls: number,
    executions: number,
    sent: number,
    got: number,
    estimated: boolean,
    learned?: Learned,
  ): Amounts {
    const cost = definitionOf(call)?.settings.cost
    const tokens = sent + got
    const price = executions * (cost?.call ?? 0) + tokens * (cost?.token ?? this.perToken)
    return { calls, tokens, sent, estimated, learned, cost: price === 0 ? 0 : billionthsOf(price) }
  }

  private count(text: Payload, learned: LearnedTokens): number {
    const length = text.size
    const known = learned.of(length)
    this.guessed = length > 0 && (known === undefined || !this.counter.exact)
    if (learned.wants(length, this.fraction)) this.sample(text.bytes, length, learned)
    return known ?? this.counter.estimate(text.bytes)
  }

  private sample(bytes: Uint8Array, length: number, learned: LearnedTokens): void {
    this.counter.count(bytes, (tokens) => {
      if (tokens === undefined) learned.forget(length)
      else learned.learn(length, tokens)
    })
  }

  private itemOf(call: TargetedCall): Learned {
    const definition = definitionOf(call)
    const known = definition === undefined ? undefined : this.ofDefinitions.get(definition)
    if (known !== undefined) return known
    // By its definition's name: URIs made from one template are many.
    const key = definition === undefined ? call.upstream : `${call.upstream}/${definition.name}`
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

/** What is called, or what made the task that is asked about. */
function definitionOf(call: TargetedCall): Item | undefined {
  return 'item' in call ? (call as RoutedCall).item : call.origin?.tool
}
