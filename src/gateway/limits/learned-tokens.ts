// Tokens of the texts of one kind (the arguments of a tool, its results). To count them takes longer than a whole call, so they are counted of
// the first ones of each order of length, and of few after that; of the others they follow from their length, by the sums of what was counted.

/** Texts of one order of length that are counted before anything is taken as learned. */
const first = 16
/** Of the rest one in so many is counted, the more rarely the longer what was learned has held. */
const mostOften = 16
const mostRarely = 2_048
/** A text with so many times as many tokens as were thought, or as few, has them counted more often again. */
const unusual = 1.5
/** What was learned of more texts than this counts by half: a tool may come to answer otherwise. */
const mostTexts = 64

/** Texts of `2 ** n` to twice as many bytes. */
interface Order {
  texts: number
  bytes: number
  tokens: number
  /** One in so many is counted. */
  sampled: number
  /** Texts until the next one. */
  left: number
  /** Being counted. */
  waiting: number
}

export class LearnedTokens {
  private readonly orders: (Order | undefined)[] = []

  /** A whole number; undefined where too little was learned of texts of this length. */
  of(length: number): number | undefined {
    const order = this.orders[orderOf(length)]
    if (order === undefined || order.texts < first) return undefined
    return Math.round((length * order.tokens) / order.bytes)
  }

  /** Whether a text that came should be counted: whoever asks tells what came of it, by `learn` or `forget`. `fraction`: by chance, below 1. */
  wants(length: number, fraction: () => number): boolean {
    if (length === 0) return false
    const at = orderOf(length)
    let order = this.orders[at]
    if (order === undefined) {
      order = { texts: 0, bytes: 0, tokens: 0, sampled: mostOften, left: mostOften, waiting: 0 }
      this.orders[at] = order
    }
    if (order.texts < first) {
      if (order.texts + order.waiting >= first) return false
    } else {
      order.left -= 1
      if (order.left > 0 || order.waiting > 0) return false
      // Not each at the same distance: what a tool answers may have a rhythm.
      order.left = 1 + Math.floor(fraction() * 2 * order.sampled)
    }
    order.waiting += 1
    return true
  }

  learn(length: number, tokens: number): void {
    if (length === 0) return
    const order = this.orders[orderOf(length)]
    if (order === undefined) return
    order.waiting -= 1
    if (order.texts >= first) {
      const thought = (length * order.tokens) / order.bytes
      const other = tokens > thought * unusual || tokens * unusual < thought
      order.sampled = other ? mostOften : Math.min(mostRarely, order.sampled * 2)
      if (other) order.left = Math.min(order.left, mostOften)
    }
    order.texts += 1
    order.bytes += length
    order.tokens += tokens
    if (order.texts < mostTexts) return
    order.texts /= 2
    order.bytes /= 2
    order.tokens /= 2
  }

  /** It was not counted. */
  forget(length: number): void {
    const order = this.orders[orderOf(length)]
    if (order !== undefined && order.waiting > 0) order.waiting -= 1
  }
}

function orderOf(length: number): number {
  return 31 - Math.clz32(length)
}
