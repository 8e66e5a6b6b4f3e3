// Lists that a server does not declare and yet has, or comes to have: its clients would get them, since most ask for tools anyway. It is asked
// when it comes, when it says that such a list changed, when a caller names an item of it, and by the clock.
import type { ItemKind } from '../../core/call/item.ts'
import { has, kinds, type ListName } from '../../core/call/item-kinds.ts'
import { type Signal, Switch } from '../../core/call/signal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Upstream } from '../../core/ports/upstream.ts'
import { feedTimes } from './feed-times.ts'
import { answers } from './reading.ts'
import type { About } from './snapshot.ts'

const searched: readonly ItemKind[] = ['tool', 'prompt', 'resource', 'template']

export class UndeclaredLists {
  private readonly upstream: Upstream
  private readonly clock: Clock
  private readonly life: Signal
  private readonly found = new Set<ListName>()
  /** Kinds that are asked for with the next search. */
  private readonly sought = new Set<ItemKind>()
  /** Kinds to which no answer came in time: they are not asked for again without a sign that there is one. */
  private readonly silent = new Set<ItemKind>()
  private fresh = true

  constructor(upstream: Upstream, clock: Clock, life: Signal) {
    this.upstream = upstream
    this.clock = clock
    this.life = life
  }

  /** What comes back may be another server. */
  forget(): void {
    this.fresh = true
  }

  /** Kinds worth asking for by the clock: tools, and all where nothing is declared. */
  get usual(): readonly ItemKind[] {
    const { capabilities } = this.upstream.describe()
    const none = !searched.some((kind) => has(capabilities, kind))
    return searched.filter((kind) => this.isMissing(kind) && !this.silent.has(kind) && (none || kind === 'tool'))
  }

  /** Whether a caller who names an item of the kind is a reason to ask: URIs may be anybody's, and would have every server asked. */
  mayHave(kind: ItemKind): boolean {
    return (kind === 'tool' || kind === 'prompt') && this.isMissing(kind) && !this.silent.has(kind)
  }

  /** Something tells that the server may have these now. */
  seek(some: readonly ItemKind[]): void {
    for (const kind of some) if (searched.includes(kind)) this.sought.add(kind)
  }

  /** Asks the server for what is sought; `about` knows more afterwards. */
  async search(): Promise<void> {
    if (this.fresh) {
      this.fresh = false
      this.found.clear()
      this.silent.clear()
      this.seek(this.usual)
    }
    const asked = [...this.sought].filter((kind) => this.isMissing(kind))
    this.sought.clear()
    if (asked.length === 0) return
    const stop = new Switch()
    const end = (): void => stop.abort('drain')
    this.life.addEventListener('abort', end)
    const timer = this.clock.timer(feedTimes.undeclared, () => stop.abort('deadline'))
    await Promise.all(asked.map((kind) => this.ask(kind, stop)))
    timer.cancel()
    this.life.removeEventListener('abort', end)
  }

  /** What the server says of itself, and what it keeps silent. */
  about(): About {
    const said = this.upstream.describe()
    if (this.found.size === 0) return said
    return { ...said, capabilities: { ...said.capabilities, ...Object.fromEntries([...this.found].map((list) => [list, {}])) } }
  }

  private async ask(kind: ItemKind, stop: Signal): Promise<void> {
    const isThere = await answers(this.upstream, kind, stop)
    if (isThere) this.found.add(kinds[kind].list)
    else if (stop.reason === 'deadline') this.silent.add(kind)
    else this.silent.delete(kind)
  }

  private isMissing(kind: ItemKind): boolean {
    return !has(this.upstream.describe().capabilities, kind) && !this.found.has(kinds[kind].list)
  }
}
