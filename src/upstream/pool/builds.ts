// Which build of a server a connection was made to: counted, since a server that says another identity or other capabilities than the one
// before it may take its calls otherwise, whatever it says of its tools.
import type { UpstreamDescription } from '../../core/ports/upstream.ts'

type Said = Pick<UpstreamDescription, 'identity' | 'capabilities'>

export class Builds {
  private last: string | undefined
  private known: string | undefined
  private readonly counted: { latest: number }

  constructor(counted = { latest: 0 }) {
    this.counted = counted
  }

  /** Of an exit in whose place another comes: what says the same of itself there is the same build, and anything else is a later one. */
  static after(number: number, said: Said): Builds {
    const builds = new Builds({ latest: number })
    if (said.identity !== undefined) builds.last = keyOf(said)
    return builds
  }

  /** Of the same server in its other era, where it may say other things of itself. */
  inOtherEra(): Builds {
    return new Builds(this.counted)
  }

  get latest(): number {
    return this.counted.latest
  }

  /** The number of the build that says this of itself now. One that comes back is another than the one in between. */
  of(said: Said): number {
    const build = keyOf(said)
    if (build === this.last) return this.counted.latest
    // The first of the other era takes the place of none.
    const isFirst = this.last === undefined && (this.counted.latest > 0 || this.known === nameOf(said))
    this.last = build
    if (!isFirst) this.counted.latest += 1
    return this.counted.latest
  }

  /** What was said before the start: perhaps in both eras together, so that the name alone counts. */
  knownFrom(said: Said): void {
    if (said.identity !== undefined) this.known = nameOf(said)
  }
}

function nameOf({ identity }: Said): string {
  return JSON.stringify([identity?.name, identity?.version])
}

function keyOf(said: Said): string {
  return `${nameOf(said)}${JSON.stringify(said.capabilities)}`
}
