// What a server says beside calls, guarded as what it says in them: of itself and of what it has, and to a session outside of any call.
import type { UpstreamId } from '../../core/call/call.ts'
import type { CallEvent } from '../../core/call/exchange.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import { mask } from './mask.ts'
import { type GuardParts, tellMasked } from './stage.ts'

type BesideParts = Pick<GuardParts, 'report' | 'othersOf' | 'keptOf'>

export class BesideCalls {
  private readonly parts: BesideParts
  private readonly upstream: UpstreamId

  constructor(parts: BesideParts, upstream: UpstreamId) {
    this.parts = parts
    this.upstream = upstream
  }

  /** A list, or what a server says of itself: no guess changes what tools are called or take. */
  listed(said: Payload): Payload {
    return this.without(said, false, false)
  }

  event(event: CallEvent): CallEvent {
    if (event.kind !== 'log' && event.kind !== 'extension') return event
    return { ...event, params: this.without(event.params, this.guesses, false) }
  }

  question(params: Payload | undefined): Payload | undefined {
    return params === undefined ? undefined : this.without(params, this.guesses, true)
  }

  private get guesses(): boolean {
    return this.parts.othersOf(this.upstream).secrets === 'mask'
  }

  private without(said: Payload, patterns: boolean, asks: boolean): Payload {
    const { parts, upstream } = this
    const found = mask(said.bytes, patterns, parts.keptOf(upstream), asks)
    if (found === undefined) return said
    tellMasked(parts.report, found.counts, upstream)
    return payload(found.bytes)
  }
}
