// What a legacy session hears without asking: its list changes and resource updates, all served by one `subscriptions/listen` call
// that is opened anew, with overlap, when the set changes, and again when it was lost.

import type { Call } from '../../core/call/call.ts'
import { type CallEvent, type Interest, type OpenExchange, openExchange } from '../../core/call/exchange.ts'
import type { Credential } from '../../core/call/expiry.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import type { DoorContext } from '../door.ts'
import type { ListName } from './capabilities.ts'

/** Most resources that one session may watch. */
const mostWatched = 1_000

export interface SubscriptionParts {
  readonly context: DoorContext
  readonly credential: Credential
  readonly lists: readonly ListName[]
  /** A `subscriptions/listen` call of this session with the given interest. */
  readonly call: (interest: Interest) => Call
  /** Delivers to the client. */
  readonly notify: (event: Extract<CallEvent, { kind: 'changed' | 'updated' | 'extension' }>) => void
}

interface Listen {
  readonly exchange: OpenExchange
  /** What it was opened for, to see whether it still fits. */
  asked: string
  accepted: ReadonlySet<string>
  refusals: ReadonlyMap<string, Fault> | undefined
}

const firstBackoffMs = 1_000
const longestBackoffMs = 30_000

export class Subscriptions {
  private readonly parts: SubscriptionParts
  private readonly wanted = new Set<string>()
  /** True while somebody is there to hear list changes. */
  private listening = false
  private current: Listen | undefined
  private opening: Listen | undefined
  private tail: Promise<unknown> = Promise.resolve()
  private backoffMs = firstBackoffMs
  private again: Timer | undefined
  private closed = false
  private suspended = false
  /** For a while nobody listened to what was wanted. */
  private missed = false
  /** Counts what callers' rights it was opened by. */
  private rights = 0

  constructor(parts: SubscriptionParts, wanted: Iterable<string> = []) {
    this.parts = parts
    for (const uri of wanted) this.wanted.add(uri)
  }

  get uris(): readonly string[] {
    return [...this.wanted]
  }

  /** Resolves when the server has accepted it, or to the fault. */
  async subscribe(uri: string): Promise<Fault | undefined> {
    if (!this.wanted.has(uri) && this.wanted.size >= mostWatched) {
      return fault('not_subscribable', { uri, reason: `this session watches ${mostWatched} resources already` })
    }
    this.wanted.add(uri)
    const failed = await this.settle()
    if (failed === undefined && this.current?.accepted.has(uri) === true) return undefined
    const said = this.current?.refusals?.get(uri)
    this.wanted.delete(uri)
    // So that the next attempt asks again.
    if (this.current !== undefined) this.current.asked = ''
    return failed ?? said ?? fault('not_subscribable', { uri, reason: 'its server does not offer updates of it' })
  }

  /** Takes effect at once; the listen follows. */
  unsubscribe(uri: string): void {
    if (this.wanted.delete(uri)) this.settleSoon()
  }

  /** Replaces the set: another replica changed it. */
  replace(uris: readonly string[]): void {
    this.wanted.clear()
    for (const uri of uris) this.wanted.add(uri)
    if (this.listening) this.settleSoon()
  }

  /** There is a stream (or none any more) on which changes can be told. */
  listen(on: boolean): void {
    if (this.listening === on) return
    this.listening = on
    this.settleSoon()
  }

  /** Nothing is heard in the name of a caller whose credential has ended; what was missed meanwhile is told as a change. */
  suspend(on: boolean): void {
    this.suspended = on
    this.missed ||= on
    this.again?.cancel()
    this.again = undefined
    inBackground(this.parts.context.report, 'session', on ? this.settle() : this.catchUp())
  }

  /** Listens anew by the rights of now; what reads differently by them is told by the listen itself. */
  rightsChanged(): void {
    this.rights += 1
    if (this.current !== undefined || this.opening !== undefined) this.settleSoon()
  }

  close(): void {
    this.closed = true
    this.again?.cancel()
    this.drop(this.opening)
    this.drop(this.current)
    this.current = undefined
  }

  /** One change after another; each opens for all that is wanted by then, so a burst costs one or two listens. */
  private settle(): Promise<Fault | undefined> {
    const done = this.tail.then(() => this.reopen())
    this.tail = done.catch(() => undefined)
    return done
  }

  private settleSoon(): void {
    inBackground(this.parts.context.report, 'session', this.settle())
  }

  private interest(): Interest | undefined {
    const lists = this.listening ? this.parts.lists : []
    if (this.suspended || (lists.length === 0 && this.wanted.size === 0)) return undefined
    return {
      ...(lists.includes('tools') ? { toolsListChanged: true } : {}),
      ...(lists.includes('prompts') ? { promptsListChanged: true } : {}),
      ...(lists.includes('resources') ? { resourcesListChanged: true } : {}),
      ...(this.wanted.size === 0 ? {} : { resourceSubscriptions: this.uris }),
    }
  }

  private async reopen(): Promise<Fault | undefined> {
    if (this.closed) return undefined
    const interest = this.interest()
    const old = this.current
    if (interest === undefined) {
      this.current = undefined
      this.drop(old)
      return undefined
    }
    const asked = JSON.stringify([interest, this.rights])
    if (old?.asked === asked) return undefined
    this.again?.cancel()
    this.again = undefined
    const failed = await this.open(interest, asked, old)
    if (failed?.retryable === true) {
      this.missed = true
      this.openAgain()
    }
    return failed
  }

  /** Until the new listen is acknowledged the old one delivers; from then on the new one alone, so nothing is lost or told twice. */
  private open(interest: Interest, asked: string, old: Listen | undefined): Promise<Fault | undefined> {
    const { context } = this.parts
    return new Promise((resolve) => {
      const emit = (event: CallEvent): void => {
        if (event.kind !== 'acknowledged') {
          this.heard(listen, event)
          return
        }
        if (this.closed) return
        patience.cancel()
        listen.accepted = new Set(event.notifications.resourceSubscriptions ?? [])
        listen.refusals = event.refusals
        this.opening = undefined
        this.current = listen
        this.drop(old)
        resolve(undefined)
        if (this.lacking(listen)) this.openAgain()
        else this.backoffMs = firstBackoffMs
      }
      const exchange = openExchange(context.clock, context.limits, { emit }, this.parts.credential)
      const listen: Listen = { exchange, asked, accepted: new Set(), refusals: undefined }
      this.opening = listen
      // A listen lasts as long as its session; only its acknowledgement has a limit.
      exchange.deadline.pause()
      const patience = context.clock.timer(context.limits.idleMs, () => exchange.end('deadline'))
      const handled = context.gateway.handle(this.parts.call(interest), exchange).then((outcome) => {
        patience.cancel()
        exchange.close('delivered')
        if (this.opening === listen) this.opening = undefined
        if (this.current === listen) {
          this.current = undefined
          this.missed = true
          this.openAgain()
        }
        // Settled already where it was acknowledged.
        resolve(outcome.kind === 'fault' ? outcome.fault : notBegun())
      })
      inBackground(context.report, 'session', handled)
    })
  }

  /** Whether it does not have all that is wanted: after a new start of the gateway a server may not be known yet when its session listens. */
  private lacking({ accepted }: Listen): boolean {
    return this.uris.some((uri) => !accepted.has(uri))
  }

  private heard(listen: Listen, event: CallEvent): void {
    if (this.current !== listen || this.closed) return
    if (event.kind === 'changed' || event.kind === 'extension' || (event.kind === 'updated' && this.wanted.has(event.uri))) {
      this.parts.notify(event)
    }
  }

  /** After a pause. */
  private openAgain(): void {
    const { clock, random, draining } = this.parts.context
    if (this.closed || this.suspended || draining.aborted || this.again !== undefined) return
    const waitMs = this.backoffMs * (0.5 + random.fraction())
    this.backoffMs = Math.min(longestBackoffMs, this.backoffMs * 2)
    this.again = clock.timer(waitMs, () => {
      this.again = undefined
      if (this.current !== undefined && this.lacking(this.current)) this.current.asked = ''
      inBackground(this.parts.context.report, 'session', this.catchUp())
    })
  }

  /** Where events may have been missed the lists are told to have changed. */
  private async catchUp(): Promise<void> {
    const failed = await this.settle()
    if (failed !== undefined || this.closed || this.current === undefined || !this.missed) return
    this.missed = false
    if (this.listening) for (const list of this.parts.lists) this.parts.notify({ kind: 'changed', list })
  }

  private drop(listen: Listen | undefined): void {
    listen?.exchange.end('cancelled')
  }
}

function notBegun(): Fault {
  return fault('upstream_protocol_error', { upstream: 'the gateway', reason: 'a listen ended before it began' })
}
