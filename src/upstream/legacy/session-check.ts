// Whether a server still knows a session. Servers say that they do not in many ways (an error, a bare 400 or 404, a 401 without a
// challenge, an error under no id of ours), and a proxy, or an honest refusal of one call, says the same. So what an answer raises is a
// doubt, and a request that any session bears settles it: one for all who doubt at the same time, and not again at once.
import { type Evidence, evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Timer } from '../../core/ports/clock.ts'
import { code } from '../../core/protocol/names.ts'
import type { Context } from '../context.ts'
import type { IncomingError, WireAnswer } from '../wire/wire.ts'

/** A session that was found is not looked for again within this time, in ms, but for a strong doubt: it may have gone just after. */
const restMs = 1_000
/** Checks in a row in which this session alone is of no use, until it is given up. */
const mostAlone = 2
/** While nobody can tell, it is looked for after this time, in ms, doubled each time. */
const longestRestMs = 30_000

export type Found = 'known' | 'gone' | 'unknown'
type Answered = WireAnswer | { readonly kind: 'timeout' }

export interface CheckedSession {
  /** A request of ours in the session; `listing`: one that a server refuses before `initialize`, which a `ping` is not. */
  ask(listing: boolean): Promise<Answered>
  /** Whether the server takes an `initialize` now; undefined where another connection proves nothing (a process of its own). */
  greets: (() => Promise<boolean>) | undefined
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

  /** `why`: what raised the doubt; `listing`: it speaks of `initialize`; `strong`: no honest refusal of a call looks so. */
  find(why: Fault, listing: boolean, strong = false): Promise<Found> {
    if (this.closed) return Promise.resolve(this.last)
    if (this.checking !== undefined) return strong ? this.afterwards(this.checking, why, listing) : this.checking
    if (!strong && this.last === 'known' && this.context.clock.mono() - this.checkedAt < restMs) return Promise.resolve('known')
    this.checking = this.look(listing)
      .then((found) => this.settle(found, why))
      .finally(() => {
        this.checking = undefined
      })
    return this.checking
  }

  /** What began before the doubt was raised may have met the server as it was. */
  private async afterwards(earlier: Promise<Found>, why: Fault, listing: boolean): Promise<Found> {
    const found = await earlier
    return found === 'gone' || this.checking !== undefined ? (this.checking ?? found) : this.find(why, listing, true)
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

  private async look(listing: boolean): Promise<Found> {
    const first = readingOf(await this.session.ask(listing))
    if (first === 'known' || first === 'unknown') return first
    // Most failures are of the server as a whole, and over before a greeting could tell.
    if (first === 'failed' && this.doubt === undefined) return 'unknown'
    const { greets, isNamed } = this.session
    if (greets === undefined) return first === 'refused' ? 'gone' : 'unknown'
    // Only a server that is there and takes an `initialize`, and yet does not know the session, has lost it.
    if (!(await greets())) {
      this.alone = 0
      return 'unknown'
    }
    if (!isNamed) return first === 'refused' ? 'gone' : 'unknown'
    const second = readingOf(await this.session.ask(listing))
    if (second === 'refused') return 'gone'
    if (second !== 'failed') return second
    // A proxy that leads this session to what is no more, or the part of a server that served it, fails for it alone: for good, or a moment.
    this.alone += 1
    return this.alone < mostAlone ? 'unknown' : 'gone'
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

/** What the answer to the check's own request says; `failed`: nothing, though something is there. */
function readingOf(answer: Answered): 'known' | 'unknown' | 'refused' | 'failed' {
  switch (answer.kind) {
    case 'answer': {
      const { answer: said } = answer
      if (said.kind === 'result') return 'known'
      if (answer.status === 404 && said.code !== code.methodNotFound) return 'refused'
      return speaksOfSession(said.message) || isUnprepared(said) ? 'refused' : 'known'
    }
    case 'status':
      if (answer.status === 429) return 'unknown'
      return answer.status > 500 ? 'failed' : 'refused'
    case 'lost':
      if (answer.fault.kind === 'upstream_protocol_error') return 'refused'
      return answer.fault.kind === 'outcome_unknown' ? 'failed' : 'unknown'
    default:
      return 'unknown'
  }
}

/** Statuses that are about the message or its rate, and no word about what it is part of. */
const aboutMessage = new Set([407, 408, 411, 413, 414, 417, 425, 426, 429, 431, 451])

/** Whether an answer could mean that the server does not know the session. `hasId`: of Streamable HTTP, or of an address of HTTP+SSE. */
export function raisesDoubt(answer: WireAnswer, hasId: boolean): boolean {
  switch (answer.kind) {
    case 'answer': {
      const { answer: said, status } = answer
      if (said.kind === 'result' || said.code === code.methodNotFound) return false
      return (hasId && (status === 400 || status === 404)) || speaksOfSession(said.message) || isUnprepared(said)
    }
    case 'status': {
      const { status, challenge, body } = answer
      if (body !== undefined && speaksOfSession(body.message)) return true
      // A refusal with a challenge is about the credential.
      if (!hasId || challenge !== undefined) return false
      return status >= 500 || (status >= 400 && status < 500 && !aboutMessage.has(status))
    }
    case 'lost':
      return hasId && (answer.fault.kind === 'upstream_protocol_error' || answer.fault.kind === 'outcome_unknown')
    default:
      return false
  }
}

/** Evidence of a request that was answered so in a session that the server has lost. */
export function evidenceOfLoss(answer: WireAnswer): Evidence {
  if (answer.kind === 'lost' || (answer.kind === 'status' && answer.status >= 500)) return evidence.session_ended
  return answer.kind === 'status' && answer.status === 404 ? evidence.session_unknown : evidence.session_gone
}

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
