// What calls used, added up by server and item: whole numbers, so that the sums are those of the records to the last digit.
import { Counter, type Registry } from 'prom-client'
import { amountOf, billionthsOf } from '../../core/call/money.ts'
import type { Usage } from '../../core/call/record.ts'

export interface UsageSum {
  readonly upstream: string
  readonly item: string
  /** Tokens of arguments, and of what came back. */
  readonly sent: number
  readonly got: number
  /** In the currency. */
  readonly cost: number
}

interface Sum {
  sent: number
  got: number
  billionths: number
}

export class UsageSums {
  private readonly servers = new Map<string, Map<string, Sum>>()

  /** `item`: of a bounded set. */
  add(upstream: string, item: string, { sent, got, cost }: Usage): void {
    let items = this.servers.get(upstream)
    if (items === undefined) {
      items = new Map()
      this.servers.set(upstream, items)
    }
    const sum = items.get(item)
    if (sum === undefined) items.set(item, { sent, got, billionths: billionthsOf(cost) })
    else {
      sum.sent += sent
      sum.got += got
      sum.billionths += billionthsOf(cost)
    }
  }

  *all(): Iterable<UsageSum> {
    for (const [upstream, items] of this.servers) {
      for (const [item, { sent, got, billionths }] of items) yield { upstream, item, sent, got, cost: amountOf(billionths) }
    }
  }
}

/** They are read, and not counted up: to add builds no labels. */
export function addUsage(registry: Registry, sums: UsageSums): void {
  const registers = [registry]
  new Counter({
    name: 'signalbox_tokens_total',
    help: 'Tokens of arguments (`in`) and results (`out`) of calls that went to a server, by the vocabulary o200k (docs/cost.md).',
    labelNames: ['upstream', 'item', 'direction'],
    registers,
    collect() {
      this.reset()
      for (const { upstream, item, sent, got } of sums.all()) {
        this.inc({ upstream, item, direction: 'in' }, sent)
        this.inc({ upstream, item, direction: 'out' }, got)
      }
    },
  })
  new Counter({
    name: 'signalbox_cost_total',
    help: 'Cost of calls by `tools.NAME.cost` and `prices`, in `prices.currency` (docs/cost.md).',
    labelNames: ['upstream', 'item'],
    registers,
    collect() {
      this.reset()
      for (const { upstream, item, cost } of sums.all()) this.inc({ upstream, item }, cost)
    },
  })
}
