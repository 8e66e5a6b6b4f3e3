// What the rings of all streams may hold together. Each has its own bound, but ten thousand sessions times that bound is more than a machine
// has.

export interface Ring {
  /** Lets go of what was sent before, or of everything; gives the bytes that are free now. */
  letGo(what: 'sent' | 'all'): number
}

/** All rings of the sessions of a replica, in bytes. */
const usualBytes = 134_217_728
/** Part of the budget that is held after it was exceeded: so the next event does not look through all rings again. */
const leftOver = 7 / 8

export class RingBudget {
  private readonly mostBytes: number
  /** Those that hold something; the one that began first comes first. */
  private readonly rings = new Set<Ring>()
  private held = 0

  constructor(mostBytes = usualBytes) {
    this.mostBytes = mostBytes
  }

  /** Bytes that are held now. */
  get bytes(): number {
    return this.held
  }

  /** The ring holds so much more. Others let go where that is too much: first what a client had already, then the rest. */
  grew(ring: Ring, bytes: number): void {
    this.held += bytes
    this.rings.add(ring)
    if (this.held > this.mostBytes) this.shrink(ring)
  }

  /** The ring let go of so much by itself. */
  shrank(ring: Ring, bytes: number, isEmpty: boolean): void {
    this.held -= bytes
    if (isEmpty) this.rings.delete(ring)
  }

  private shrink(newest: Ring): void {
    const aim = this.mostBytes * leftOver
    for (const what of ['sent', 'all'] as const) {
      for (const ring of this.rings) {
        if (this.held <= aim) return
        // What has just come is kept: it is bounded by its own ring.
        if (ring === newest && what === 'all') continue
        this.held -= ring.letGo(what)
        if (what === 'all') this.rings.delete(ring)
      }
    }
  }
}
