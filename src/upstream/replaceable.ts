// A server as everything inside holds it, whichever exit is behind it: another configuration of it puts another exit in the place of the first. Calls
// that are at the old one end there; whoever watches hears of the new one from then on.
import type { TargetedCall } from '../core/call/call.ts'
import type { Deadline } from '../core/call/deadline.ts'
import type { Accepted, CallEvent, Exchange, Interest } from '../core/call/exchange.ts'
import type { ItemKind } from '../core/call/item.ts'
import type { Outcome } from '../core/call/outcome.ts'
import type { Payload } from '../core/call/payload.ts'
import type { Principal } from '../core/call/principal.ts'
import type { Signal } from '../core/call/signal.ts'
import type { Fault } from '../core/faults/fault.ts'
import type { Owner, Upstream, UpstreamDescription, UpstreamHealth, Watch } from '../core/ports/upstream.ts'

export class ReplaceableUpstream implements Upstream {
  readonly id: string
  private exit: Upstream
  private readonly watches = new Set<MovingWatch>()
  private readonly listeners = new Set<() => void>()
  private release: () => void
  private sessionsWanted = false

  constructor(exit: Upstream) {
    this.id = exit.id
    this.exit = exit
    this.release = exit.onChange(() => this.changed())
  }

  /** What is asked from now on is asked of `next`. Returns the exit of before, of which the calls that are at it are its own matter. */
  replace(next: Upstream): Upstream {
    const before = this.exit
    this.release()
    this.exit = next
    this.release = next.onChange(() => this.changed())
    if (this.sessionsWanted) next.wantSessions?.()
    for (const watch of this.watches) watch.moveTo(next)
    this.changed()
    return before
  }

  describe(): UpstreamDescription {
    return this.exit.describe()
  }

  health(): UpstreamHealth {
    return this.exit.health()
  }

  build(): number {
    return this.exit.build?.() ?? 0
  }

  knownFrom(said: Pick<UpstreamDescription, 'identity' | 'capabilities'>): void {
    this.exit.knownFrom?.(said)
  }

  ready(signal: Signal): Promise<Fault | undefined> {
    return this.exit.ready(signal)
  }

  send(call: TargetedCall, exchange: Exchange): Promise<Outcome> {
    return this.exit.send(call, exchange)
  }

  items(kind: ItemKind, signal: Signal): AsyncIterable<Payload> {
    return this.exit.items(kind, signal)
  }

  sessionItems(kind: ItemKind, signal: Signal, session: string): AsyncIterable<Payload> {
    return this.exit.sessionItems?.(kind, signal, session) ?? this.exit.items(kind, signal)
  }

  watch(interest: Interest, on: (event: CallEvent) => void, owner?: Owner): Watch {
    const watch = new MovingWatch(this.exit, interest, on, owner, () => this.watches.delete(watch))
    this.watches.add(watch)
    return watch
  }

  rootsChanged(affinity: string): void {
    this.exit.rootsChanged?.(affinity)
  }

  sessionEnded(affinity: string): void {
    this.exit.sessionEnded?.(affinity)
  }

  rescoped(principal: Principal): void {
    this.exit.rescoped?.(principal)
  }

  wantSessions(): void {
    this.sessionsWanted = true
    this.exit.wantSessions?.()
  }

  sessionsPending(): boolean {
    return this.exit.sessionsPending?.() === true
  }

  async answers(): Promise<boolean> {
    return (await this.exit.answers?.()) ?? true
  }

  async restart(): Promise<void> {
    await this.exit.restart?.()
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  drain(deadline: Deadline): Promise<void> {
    return this.exit.drain(deadline)
  }

  private changed(): void {
    for (const listener of this.listeners) listener()
  }
}

class MovingWatch implements Watch {
  private watch: Watch
  private interest: Interest
  private readonly on: (event: CallEvent) => void
  private readonly owner: Owner | undefined
  private readonly closed: () => void

  constructor(exit: Upstream, interest: Interest, on: (event: CallEvent) => void, owner: Owner | undefined, closed: () => void) {
    this.interest = interest
    this.on = on
    this.owner = owner
    this.closed = closed
    this.watch = exit.watch(interest, on, owner)
  }

  /** The new one is opened before the old one is closed, so that nothing is missed in between. */
  moveTo(exit: Upstream): void {
    const before = this.watch
    this.watch = exit.watch(this.interest, this.on, this.owner)
    before.close()
  }

  update(interest: Interest): Promise<Accepted> {
    this.interest = interest
    return this.watch.update(interest)
  }

  close(): void {
    this.closed()
    this.watch.close()
  }
}
