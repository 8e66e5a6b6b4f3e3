// The ids of our requests to one upstream, over all its connections. Bridges that put one stdio server behind HTTP+SSE hand every answer to
// every client: an id of its own lets each connection tell its answers from those of others, other programs' and earlier processes' too.

/** Some servers keep an id in 32 bits, with or without a sign. */
const largest = 2 ** 31 - 1

export class RequestIds {
  private readonly first: number
  private last: number
  /** All were used once, and it began again. */
  private wrapped = false

  /** `drawn` in [0, 1): begins anywhere in the lower half, so that two processes hardly ever use the same ids at the same time. */
  constructor(drawn: number) {
    this.first = 1 + Math.floor(drawn * (largest / 2))
    this.last = this.first - 1
  }

  next(): number {
    if (this.last === largest) {
      this.wrapped = true
      this.last = 0
    }
    this.last += 1
    return this.last
  }

  /** Whether a request of ours had this id, on whatever connection. `id` as JSON text. */
  issued(id: string): boolean {
    if (!/^[1-9]\d{0,9}$/.test(id)) return false
    const number = Number(id)
    return this.wrapped ? number <= this.last || number >= this.first : number >= this.first && number <= this.last
  }
}
