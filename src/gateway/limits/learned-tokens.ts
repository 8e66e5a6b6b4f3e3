// Tokens of the texts of one kind (the arguments of a tool, its results). To count them costs more than a whole call, so they are counted of
// the first ones, of one in sixteen after that, and of those that are not of the usual length; of the others they follow from their length.

/** Texts that are counted before anything is taken as learned. */
const first = 32
/** Of the rest one in so many is counted. */
const sampled = 16
/** What was learned of more bytes than this counts by half: a tool may come to answer otherwise. */
const mostBytes = 1_048_576
/** A text so many times as long as the mean, or as short, is counted itself. */
const unusual = 2

export class LearnedTokens {
  private seen = 0
  private texts = 0
  private bytes = 0
  private tokens = 0

  /** Undefined where a text of this length has to be counted; `draw`: below 1, by chance, or 1 to learn nothing. */
  of(length: number, draw: number): number | undefined {
    if (this.seen < first || draw * sampled < 1) return undefined
    const mean = this.bytes / this.texts
    if (length > mean * unusual || length * unusual < mean) return undefined
    return Math.round((length * this.tokens) / this.bytes)
  }

  learn(length: number, tokens: number): void {
    if (length === 0) return
    this.seen += 1
    this.texts += 1
    this.bytes += length
    this.tokens += tokens
    if (this.bytes < mostBytes || this.texts < 2) return
    this.texts /= 2
    this.bytes /= 2
    this.tokens /= 2
  }
}
