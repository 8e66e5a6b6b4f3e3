// The living half of a call: its signal, its deadline, the way back for events, and the facts that stages note for the record.
// Never stored, never logged, never spread.

import type { Renewal } from '../faults/evidence.ts'
import type { Fault } from '../faults/fault.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogLevel } from './call.ts'
import { Deadline, type DeadlineLimits } from './deadline.ts'
import { type Credential, Expiry } from './expiry.ts'
import type { Item } from './item.ts'
import type { Complete } from './outcome.ts'
import type { Payload } from './payload.ts'
import { Phases } from './phases.ts'
import { type Signal, Switch } from './signal.ts'

/** What reaches the caller before the answer, or on a listen stream. `params` are the notification's own, tokens of no hop in them mean anything here. */
export type CallEvent =
  /** `params.progressToken` is whatever the upstream hop used; the door sets its client's own. */
  | { readonly kind: 'progress'; readonly params: Payload }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly params: Payload }
  /** `toCallers`: callers are told at once, and will list before it is known what changed. */
  | { readonly kind: 'changed'; readonly list: 'tools' | 'prompts' | 'resources'; readonly within?: Within; readonly toCallers?: true }
  | { readonly kind: 'updated'; readonly uri: string; readonly params: Payload }
  /** First event of a listen: the accepted subset, `params.notifications`; and why a resource is not in it, where its server said so. */
  | { readonly kind: 'acknowledged'; readonly notifications: Interest; readonly refusals?: ReadonlyMap<string, Fault> }
  /** A notification of an extension, by its own method, for example `notifications/tasks`. */
  | { readonly kind: 'extension'; readonly method: string; readonly params: Payload }

/** Where a change was told: on the connection that a client session has to itself. */
export interface Within {
  /** The `Caller.affinity` of its calls. */
  readonly session: string
  /** It was not told: the connection is another one than before. */
  readonly isNew: boolean
}

/** What a listener wants to hear (`SubscriptionFilter`, MCP 2026-07-28 §subscriptions). */
export interface Interest {
  readonly toolsListChanged?: boolean
  readonly promptsListChanged?: boolean
  readonly resourcesListChanged?: boolean
  readonly resourceSubscriptions?: readonly string[]
  readonly taskIds?: readonly string[]
}

/** What a server accepted of an interest, and what it said of the resources that it refused. */
export interface Accepted extends Interest {
  readonly refusals?: ReadonlyMap<string, Fault>
}

/** Bounded, never blocks; an implementation counts what it drops. */
export interface Sink {
  emit(event: CallEvent): void
  /** Whether a result can leave as it is, the way that is open for it now; absent: any can. Not for small ones: it may write it to see. */
  fits?(result: Complete): boolean
}

/** `expired`: the credential that it was begun with has ended. `failed`: a bug of ours was met on the way of the call. */
export type EndReason = 'client_gone' | 'cancelled' | 'deadline' | 'drain' | 'expired' | 'failed'

/** How the answer left: delivered whole, or why not. */
export type Delivery = 'delivered' | 'client_gone' | 'unclaimed' | 'failed'

/** One fact per stage; rooms add theirs by declaration merging (`declare module`). */
export interface Facts {
  /** The item that `resolve` pinned. Doors read from it how a fault of the call may look (`declaresOutput`). */
  item: Item
}

export interface Exchange {
  /** Aborted with an `EndReason` as its reason. */
  readonly signal: Signal
  readonly deadline: Deadline
  /** What it was begun with; nothing that is left over of it may outlive that. */
  readonly credential: Credential
  /** What the call is at. */
  readonly phases: Phases
  readonly sink: Sink
  /** Of the attempt that this is, from 1; 0 outside of any. */
  readonly attemptNumber: number
  /** What this attempt takes a new one of, since the one before failed for it; undefined where none did. */
  readonly renew: Renewal | undefined
  note<S extends keyof Facts>(stage: S, fact: Facts[S]): void
  fact<S extends keyof Facts>(stage: S): Facts[S] | undefined
  /** The same exchange with another sink or a narrower signal. */
  with(change: { readonly sink?: Sink; readonly signal?: Signal }): Exchange
  /** One attempt: its own facts and signal, so that a late note of a lost attempt cannot leak into the next. `sink`: in place of this one's. */
  attempt(n: number, sink?: Sink, renew?: Renewal): Attempt
  /** Runs when the door closes the exchange; the record is sealed there. */
  onClose(work: (delivery: Delivery) => void): void
  /** A bug of ours was met on the way of this call: it ends now, as a fault. */
  fail(bug: unknown): void
  /** Hears of a bug, the last that asked alone. The outermost stage does: it settles the call. */
  onFail(listener: FailListener): void
}

export interface FailListener {
  failed(bug: unknown): void
}

export interface Attempt extends Exchange {
  /** Events that reached the sink during this attempt. */
  readonly events: number
  close(): void
}

/** The door's handle: it alone ends and closes. */
export interface OpenExchange extends Exchange {
  end(reason: EndReason): void
  close(delivery: Delivery): void
}

/**
 * Opens the exchange of one call. `limits` are the gateway's defaults; `resolve` may replace them by the upstream's. `credential` is the
 * caller's: the exchange ends with it.
 */
export function openExchange(clock: Clock, limits: DeadlineLimits, sink: Sink, credential: Credential): OpenExchange {
  return new Live(clock, limits, sink, credential)
}

/** Hands an event to the caller. A bug in what takes it ends the call that it belongs to, and is not the emitter's. */
export function tell(exchange: Exchange, event: CallEvent): void {
  try {
    exchange.sink.emit(event)
  } catch (bug) {
    exchange.fail(bug)
  }
}

/** Why a signal of an exchange ended; undefined while it has not. */
export function endReason(signal: Signal): EndReason | undefined {
  return signal.aborted ? (signal.reason as EndReason) : undefined
}

/** It is its own sink, since progress moves the deadline. */
class Live implements OpenExchange, Sink {
  readonly deadline: Deadline
  readonly credential: Credential
  readonly phases: Phases
  private readonly outer: Sink
  private readonly over = new Switch()
  private facts: Partial<Facts> | undefined
  private closers: ((delivery: Delivery) => void)[] | undefined
  private failing: FailListener | undefined
  private closed = false
  private readonly expiry: Expiry | undefined

  constructor(clock: Clock, limits: DeadlineLimits, sink: Sink, credential: Credential) {
    this.deadline = new Deadline(clock, limits, () => this.end('deadline'))
    this.outer = sink
    this.credential = credential
    this.phases = new Phases(clock)
    this.expiry = credential.expiresAt === undefined ? undefined : Expiry.of(clock, credential, () => this.end('expired'))
  }

  get signal(): Signal {
    return this.over
  }

  get sink(): Sink {
    return this
  }

  get attemptNumber(): number {
    return 0
  }

  get renew(): undefined {
    return undefined
  }

  emit(event: CallEvent): void {
    if (this.closed) return
    if (event.kind === 'progress') this.deadline.touch()
    this.outer.emit(event)
  }

  fits(result: Complete): boolean {
    return this.outer.fits?.(result) !== false
  }

  note<S extends keyof Facts>(stage: S, fact: Facts[S]): void {
    this.facts ??= {}
    this.facts[stage] = fact
  }

  fact<S extends keyof Facts>(stage: S): Facts[S] | undefined {
    return this.facts?.[stage]
  }

  with(change: { readonly sink?: Sink; readonly signal?: Signal }): Exchange {
    return new View(this, change.sink ?? this.sink, change.signal ?? this.signal)
  }

  attempt(n: number, sink = this.sink, renew?: Renewal): Attempt {
    return new Try(this, sink, this.signal, n, renew)
  }

  onClose(work: (delivery: Delivery) => void): void {
    this.closers ??= []
    this.closers.push(work)
  }

  end(reason: EndReason): void {
    try {
      this.over.abort(reason)
    } catch (bug) {
      this.fail(bug)
    }
  }

  fail(bug: unknown): void {
    if (this.closed) return
    this.failing?.failed(bug)
    this.end('failed')
  }

  onFail(listener: FailListener): void {
    this.failing = listener
  }

  close(delivery: Delivery): void {
    if (this.closed) return
    this.closed = true
    this.deadline.close()
    this.expiry?.close()
    for (const work of this.closers ?? []) {
      try {
        work(delivery)
      } catch (bug) {
        // Who closes has nothing to do with it: the answer is out, and the others have to hear of the end too.
        if (this.failing === undefined) throw bug
        this.failing.failed(bug)
      }
    }
  }
}

class View implements Exchange {
  readonly signal: Signal
  protected readonly outer: Sink
  private readonly root: Exchange

  constructor(root: Exchange, sink: Sink, signal: Signal) {
    this.root = root
    this.outer = sink
    this.signal = signal
  }

  get sink(): Sink {
    return this.outer
  }

  get deadline(): Deadline {
    return this.root.deadline
  }

  get credential(): Credential {
    return this.root.credential
  }

  get phases(): Phases {
    return this.root.phases
  }

  get attemptNumber(): number {
    return this.root.attemptNumber
  }

  get renew(): Renewal | undefined {
    return this.root.renew
  }

  note<S extends keyof Facts>(stage: S, fact: Facts[S]): void {
    this.root.note(stage, fact)
  }

  fact<S extends keyof Facts>(stage: S): Facts[S] | undefined {
    return this.root.fact(stage)
  }

  with(change: { readonly sink?: Sink; readonly signal?: Signal }): Exchange {
    return new View(this, change.sink ?? this.sink, change.signal ?? this.signal)
  }

  attempt(n: number, sink = this.sink, renew?: Renewal): Attempt {
    return new Try(this, sink, this.signal, n, renew)
  }

  onClose(work: (delivery: Delivery) => void): void {
    this.root.onClose(work)
  }

  fail(bug: unknown): void {
    this.root.fail(bug)
  }

  onFail(listener: FailListener): void {
    this.root.onFail(listener)
  }
}

/** It is its own sink, since it counts what is heard. */
class Try extends View implements Attempt, Sink {
  private readonly n: number
  private readonly renewal: Renewal | undefined
  private heard = 0
  private over = false

  constructor(root: Exchange, sink: Sink, signal: Signal, n: number, renewal: Renewal | undefined) {
    super(root, sink, signal)
    this.n = n
    this.renewal = renewal
  }

  override get renew(): Renewal | undefined {
    return this.renewal
  }

  override get sink(): Sink {
    return this
  }

  override get attemptNumber(): number {
    return this.n
  }

  get events(): number {
    return this.heard
  }

  emit(event: CallEvent): void {
    if (this.over) return
    if (this.heard === 0) this.phases.enter('stream', this.n)
    this.heard += 1
    this.outer.emit(event)
  }

  override note<S extends keyof Facts>(stage: S, fact: Facts[S]): void {
    if (!this.over) super.note(stage, fact)
  }

  close(): void {
    this.over = true
  }
}
