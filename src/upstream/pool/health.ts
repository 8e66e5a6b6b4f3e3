// The state of an upstream and its description, as the life of its home connection tells them.
import type { Clock } from '../../core/ports/clock.ts'
import type { UpstreamDescription, UpstreamState } from '../../core/ports/upstream.ts'
import type { ServerSettings } from '../settings.ts'
import type { Slot } from './slot.ts'

export class Health {
  state: UpstreamState = 'connecting'
  /** Milliseconds since the epoch of the last change of state. */
  sinceMs: number
  /** Kept while the upstream is away. */
  description: UpstreamDescription

  private readonly clock: Clock
  private readonly home: Slot
  private readonly listeners = new Set<() => void>()

  constructor(clock: Clock, settings: ServerSettings, home: Slot) {
    this.clock = clock
    this.sinceMs = clock.now()
    this.home = home
    const transport = settings.command !== undefined ? 'stdio' : settings.transport === 'sse' ? 'sse' : 'streamable-http'
    this.description = { transport, revision: undefined, identity: undefined, capabilities: undefined, instructions: undefined }
    home.onChange = () => this.observe()
  }

  /** Why it is not ready. */
  get reason(): string | undefined {
    return this.state === 'ready' ? undefined : (this.home.connection?.doubt ?? this.home.lastFault)?.message
  }

  /** Called on every change of state or description. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Something changed that is told with the description. */
  changed(): void {
    for (const listener of this.listeners) listener()
  }

  drained(): void {
    this.enter('drained')
  }

  private observe(): void {
    const { home } = this
    if (this.state === 'drained') return
    if (home.connection !== undefined) {
      this.description = home.connection.description
      this.enter(home.connection.doubt === undefined ? 'ready' : 'reconnecting')
    } else if (home.isOpening) {
      // An upstream that failed stays so until an attempt succeeds.
      if (this.state !== 'unavailable') this.enter(home.wasOpen ? 'reconnecting' : 'connecting')
    } else if (home.lastFault !== undefined) this.enter(this.state === 'ready' ? 'reconnecting' : 'unavailable')
  }

  private enter(state: UpstreamState): void {
    if (state === this.state && state !== 'ready') return
    if (state !== this.state) this.sinceMs = this.clock.now()
    this.state = state
    this.changed()
  }
}
