// Whether a server still knows a session. Servers say that they do not in many ways (an error of any kind, a status of 3xx or 4xx, silence),
// and a proxy, or an honest refusal of one call, says the same. So what an answer raises is a doubt, and requests that any session bears
// settle it: one check for all who doubt at the same time, and not again at once. A session is gone where the server refuses it, or serves
// nothing in it, and begins and serves another.
import { type Evidence, evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import { lackedScopes } from '../../core/protocol/bearer-challenge.ts'
import { code } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import type { IncomingError, WireAnswer } from '../wire/wire.ts'

/** A session that was found is not looked for again within this time, in ms, but for a strong doubt: it may have gone just after. */
const restMs = 1_000
/** Checks in a row in which this session alone is of no use, until it is given up; more where it cannot be held against another. */
const mostAlone = 2
const mostUseless = 4
/** While nobody can tell, it is looked for after this time, in ms, doubled each time. */
const longestRestMs = 30_000

export type Found = 'known' | 'gone' | 'unknown'
/** What a server does with an `initialize`: takes it, and answers in the session that it begins, or not. */
export type Greeted = 'refuses' | 'takes' | 'answers'
type Answered = WireAnswer | { readonly kind: 'timeout' }

/**
 * `weak`: healthy servers answer so as well in a session that they know. `strong`: no honest refusal of a call looks so.
 */
export type Strength = 'weak' | 'plain' | 'strong'

export interface CheckedSession {
  /** A request of ours in the session; `listing`: one that a server refuses before `initialize`, which a `ping` is not. */
  ask(listing: boolean): Promise<Answered>
  /** What the server does with an `initialize` now; undefined where another connection proves nothing (a process of its own). */
  greets: (() => Promise<Greeted>) | undefined
  /** It has a name at the server, so that a proxy's refusal and the server's own can be told apart by it. */
  readonly isNamed: boolean
  /** The server does not know the session any more. */
  gone(why: Fault): void
  /** Whether the session is there became doubtful, or is so no more. */
  doubted(): void
}

export class SessionCheck {
  /** Why nobody can tell now whether the session is there. */
  doubt: Fault | undefined
  private readonly context: Context
  private readonly session: CheckedSession
  private checking: Promise<Found> | undefined
  private last: Found = 'known'
  private checkedAt = Number.NEGATIVE_INFINITY
  private waitMs = restMs
  private alone = 0
  private again: Timer | undefined
  private closed = false

  constructor(context: Context, session: CheckedSession) {
    this.context = context
    this.session = session
  }

  /** `why`: what raised the doubt; `listing`: it speaks of `initialize`. */
  find(why: Fault, listing: boolean, strength: Strength = 'plain'): Promise<Found> {
    if (this.closed) return Promise.resolve(this.last)
    const isStrong = strength === 'strong'
    if (this.checking !== undefined) return isStrong ? this.afterwards(this.checking, why, listing) : this.checking
    if (!isStrong && this.last === 'known' && this.context.clock.mono() - this.checkedAt < restMs) return Promise.resolve('known')
    this.checking = this.look(listing, strength === 'weak')
      .then((found) => this.settle(found, why))
      .finally(() => {
        this.checking = undefined
      })
    return this.checking
  }

  get isUnderWay(): boolean {
    return this.checking !== undefined
  }

  /** Whether the session serves anything: a session that was just begun, for another to be held against. */
  async serves(): Promise<boolean> {
    return readingOf(await this.session.ask(false)) === 'known' || readingOf(await this.session.ask(true)) === 'known'
  }

  /** What began before the doubt was raised may have met the server as it was. */
  private async afterwards(earlier: Promise<Found>, why: Fault, listing: boolean): Promise<Found> {
    const found = await earlier
    return found === 'gone' || this.checking !== undefined ? (this.checking ?? found) : this.find(why, listing, 'strong')
  }

  /** A call was answered: the session is there. */
  confirm(): void {
    if (this.doubt === undefined) return
    this.again?.cancel()
    this.settleKnown()
  }

  close(): void {
    this.closed = true
    this.again?.cancel()
  }

  private async look(listing: boolean, isWeak: boolean): Promise<Found> {
    let first = readingOf(await this.session.ask(listing))
    // There are servers without `ping`, and those that are busy.
    const isIdle = first === 'odd' || first === 'silent'
    if (isIdle && !listing) first = readingOf(await this.session.ask(true))
    if (first === 'known' || first === 'unknown') return first
    // Most failures are of the server as a whole, and over before a greeting could tell.
    if (first === 'failed' && this.doubt === undefined) return 'unknown'
    const { greets, isNamed } = this.session
    if (greets === undefined) return this.withoutOther(first)
    const greeted = await greets()
    // Only a server that is there and takes an `initialize`, and yet does not know the session, has lost it.
    if (greeted === 'refuses' || (greeted === 'takes' && (first === 'odd' || first === 'silent'))) {
      this.alone = 0
      return isWeak && this.doubt === undefined ? 'known' : 'unknown'
    }
    if (!isNamed) return first === 'refused' ? 'gone' : 'unknown'
    const second = readingOf(await this.session.ask(listing || isIdle))
    if (second === 'refused' || second === 'challenged' || second === 'odd') return 'gone'
    if (second === 'known' || second === 'unknown') return second
    // A proxy that leads this session to what is no more, or the part of a server that served it, fails for it alone: for good, or a moment.
    return this.giveUpAfter(mostAlone)
  }

  private withoutOther(first: Reading): Found {
    if (first === 'refused') return 'gone'
    return first === 'odd' ? this.giveUpAfter(mostUseless) : 'unknown'
  }

  private giveUpAfter(most: number): Found {
    this.alone += 1
    return this.alone < most ? 'unknown' : 'gone'
  }

  private settle(found: Found, why: Fault): Found {
    this.last = found
    this.checkedAt = this.context.clock.mono()
    if (this.closed) return found
    if (found === 'known') this.settleKnown()
    else if (found === 'gone') this.session.gone(why)
    else this.stayInDoubt(why)
    return found
  }

  private settleKnown(): void {
    this.waitMs = restMs
    this.alone = 0
    if (this.doubt === undefined) return
    this.doubt = undefined
    this.session.doubted()
  }

  private stayInDoubt(why: Fault): void {
    const isNew = this.doubt === undefined
    this.doubt = why
    this.again?.cancel()
    this.again = this.context.clock.timer(this.waitMs, () => inBackground(this.context.report, 'connection', this.find(why, false)))
    this.waitMs = Math.min(longestRestMs, this.waitMs * 2)
    if (isNew) this.session.doubted()
  }
}

/**
 * What the answer to the check's own request says. `failed`: nothing, though something is there; `challenged`: a credential is wanted, which
 * may be refused with or without the session; `odd`: an error that is not about the session, nor about a method that is not there.
 */
type Reading = 'known' | 'unknown' | 'refused' | 'challenged' | 'failed' | 'odd' | 'silent'

function readingOf(answer: Answered): Reading {
  switch (answer.kind) {
    case 'answer': {
      const { answer: said } = answer
      if (said.kind === 'result') return 'known'
      if (answer.status === 404 && said.code !== code.methodNotFound) return 'refused'
      if (speaksOfSession(said.message) || isUnprepared(said)) return 'refused'
      return isOfRequest(said) ? 'known' : 'odd'
    }
    case 'status':
      if (answer.status === 429) return 'unknown'
      if (isChallenge(answer)) return 'challenged'
      return answer.status > 500 ? 'failed' : 'refused'
    case 'lost':
      if (answer.fault.kind === 'upstream_protocol_error') return 'refused'
      return answer.fault.kind === 'outcome_unknown' ? 'failed' : 'unknown'
    case 'timeout':
      return 'silent'
    default:
      return 'unknown'
  }
}

/** Statuses that are about the message or its rate, and no word about what it is part of. */
const aboutMessage = new Set([407, 408, 411, 413, 414, 417, 425, 426, 429, 431, 451])

/** What the session is at the server: `named` by an id of Streamable HTTP or an address of HTTP+SSE, or a `process` of its own. */
export type SessionOf = 'named' | 'process' | 'nothing'

/** Whether an answer could mean that the server does not know the session, and how strongly. */
export function doubtIn(answer: WireAnswer, of: SessionOf): Strength | undefined {
  const isNamed = of === 'named'
  switch (answer.kind) {
    case 'answer': {
      const { answer: said, status } = answer
      if (said.kind === 'result' || said.code === code.methodNotFound) return undefined
      if ((isNamed && (status === 400 || status === 404)) || speaksOfSession(said.message) || isUnprepared(said)) return 'plain'
      return of === 'nothing' || isOfRequest(said) ? undefined : 'weak'
    }
    case 'status': {
      const { status, body } = answer
      // Whoever says what the caller may do knows whose session it is.
      if (status === 403 && lackedScopes(answer.challenge) !== undefined) return undefined
      if (body !== undefined && speaksOfSession(body.message)) return status === 404 ? 'strong' : 'plain'
      if (!isNamed || status < 300 || aboutMessage.has(status)) return undefined
      if (isChallenge(answer)) return 'weak'
      // The specification's word for a session that is not known (MCP 2025-11-25 §session-management).
      return status === 404 ? 'strong' : 'plain'
    }
    case 'lost': {
      const { kind } = answer.fault
      return isNamed && (kind === 'upstream_protocol_error' || kind === 'outcome_unknown') ? 'plain' : undefined
    }
    default:
      return undefined
  }
}

/** A refusal that names what credential it wants. */
export function isChallenge(answer: WireAnswer): boolean {
  return answer.kind === 'status' && answer.challenge !== undefined && (answer.status === 401 || answer.status === 403)
}

/** Evidence of a request that was answered so in a session that the server has lost. */
export function evidenceOfLoss(answer: WireAnswer): Evidence {
  if (answer.kind === 'lost' || (answer.kind === 'status' && answer.status >= 500)) return evidence.session_ended
  if (answer.kind === 'answer') return doubtIn(answer, 'named') === 'weak' ? evidence.session_ended : evidence.session_gone
  return answer.kind === 'status' && answer.status === 404 ? evidence.session_unknown : evidence.session_gone
}

/** The same of an error. */
const aboutRequest: ReadonlySet<number> = new Set([
  ...[code.methodNotFound, code.invalidParams, code.resourceNotFound, code.urlElicitationRequired],
  ...[code.headerMismatch, code.missingClientCapability, code.unsupportedProtocolVersion],
])

export function speaksOfSession(words: string): boolean {
  return /session|initiali[sz]/i.test(words)
}

/** Whether it speaks of `initialize`: a `ping` may be answered before that. */
export function speaksOfInitialize({ message, ...said }: Pick<IncomingError, 'code' | 'message'>): boolean {
  return /initiali[sz]/i.test(message) || isUnprepared({ message, ...said })
}

/** The Python SDK's word for any request before `initialize`, and for some with wrong params. */
function isUnprepared({ code: own, message }: Pick<IncomingError, 'code' | 'message'>): boolean {
  return own === code.invalidParams && message === 'Invalid request parameters'
}

/** Errors that are about the request by a rule of the protocol. */
function isOfRequest({ code: own }: Pick<IncomingError, 'code'>): boolean {
  return aboutRequest.has(own)
}
