// Tokens of the texts of one kind (the arguments of a tool, its results). To count them costs more than a whole call, so they are counted of
// the first ones of each order of length, and of few after that; of the others they follow from their length.

/** Texts of one order of length that are counted before anything is taken as learned. */
const first = 16
/** Of the rest one in so many is counted, the more rarely the longer what was learned has held. */
const mostOften = 16
const mostRarely = 4_096
/** A text with so many times as many tokens as were thought, or as few, has them counted more often again. */
const unusual = 1.5
/** What was learned of more texts than this counts by half: a tool may come to answer otherwise. */
const mostTexts = 256

/** Texts of `2 ** n` to twice as many bytes. */
interface Order {
  texts: number
  bytes: number
  tokens: number
  sampled: number
}

export class LearnedTokens {
  private readonly orders: (Order | undefined)[] = []

  /** Undefined where a text of this length has to be counted; `draw`: below 1, by chance, or 1 to learn nothing. */
  of(length: number, draw: number): number | undefined {
    const order = this.orders[orderOf(length)]
    if (order === undefined || order.texts < first || draw * order.sampled < 1) return undefined
    return Math.round((length * order.tokens) / order.bytes)
  }

  learn(length: number, tokens: number): void {
    if (length === 0) return
    const at = orderOf(length)
    const order = this.orders[at] ?? { texts: 0, bytes: 0, tokens: 0, sampled: mostOften }
    this.orders[at] = order
    if (order.texts >= first) {
      const thought = (length * order.tokens) / order.bytes
      const other = tokens > thought * unusual || tokens * unusual < thought
      order.sampled = other ? mostOften : Math.min(mostRarely, order.sampled * 2)
    }
    order.texts += 1
    order.bytes += length
    order.tokens += tokens
    if (order.texts < mostTexts) return
    order.texts /= 2
    order.bytes /= 2
    order.tokens /= 2
  }
}

function orderOf(length: number): number {
  return 31 - Math.clz32(length)
}
