// Brings a client's answers, cancellations and session ends to the replica that waits for them. What is local stays local; only
// what names another replica, or is not known here, goes through the ephemeral store (at most once, small messages).

import type { Payload } from '../../core/call/payload.ts'
import type { Signal } from '../../core/call/signal.ts'
import { gatewayKey, type TenantKey } from '../../core/call/tenant-key.ts'
import { guarded } from '../../core/ports/boundary.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Ephemeral } from '../../core/ports/ephemeral.ts'
import type { Report } from '../../core/ports/report.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { type Incoming, type IncomingError, type IncomingResult, type RawId, readMessage } from '../../core/protocol/jsonrpc.ts'
import { asBuffer } from '../../core/protocol/scan.ts'

/** What came of a question to a client. */
export type Reply =
  | { readonly kind: 'result'; readonly result: Payload }
  | { readonly kind: 'error'; readonly code: number; readonly message: string; readonly data: unknown }
  | { readonly kind: 'timeout' | 'ended' | 'refused' }

export interface ClientQuestion {
  readonly session: string
  /** Puts the question on its way, under the id that the answer will carry. */
  readonly send: (id: RawId) => void
  /** Takes it back: nobody waits any longer. */
  readonly withdraw: (id: RawId, reason: string) => void
  readonly timeoutMs: number
  readonly signal: Signal
}

/** What other replicas tell of a session. */
export type Hint =
  | { readonly kind: 'cancel'; readonly session: string; readonly request: RawId; readonly reason?: string }
  | { readonly kind: 'ended' | 'changed'; readonly session: string }

/** Most open questions of one session; more are refused. */
const mostQuestions = 64

interface Pending {
  readonly session: string
  readonly settle: (reply: Reply) => void
}

export class ClientQuestions {
  readonly replica: string
  /** Called for every hint of another replica. Set once. */
  onHint: (hint: Hint) => void = () => {}
  private readonly clock: Clock
  private readonly ephemeral: Ephemeral
  private readonly report: Report
  private readonly pending = new Map<RawId, Pending>()
  private readonly open = new Map<string, number>()
  private next = 1

  constructor(clock: Clock, random: Random, ephemeral: Ephemeral, report: Report) {
    this.clock = clock
    this.ephemeral = ephemeral
    this.report = report
    this.replica = asBuffer(random.bytes(6)).toString('hex')
    const answers = guarded<Uint8Array>(report, 'store', (message) => this.forwarded(message))
    const hints = guarded<Uint8Array>(report, 'store', (message) => this.hinted(message))
    void ephemeral.subscribe(answersTopic(this.replica), answers).catch((error) => this.lost(error))
    void ephemeral.subscribe(hintsTopic, hints).catch((error) => this.lost(error))
  }

  /** Resolves exactly once: with the client's answer, or why there is none. */
  ask(question: ClientQuestion): Promise<Reply> {
    const { session, signal } = question
    const open = this.open.get(session) ?? 0
    if (signal.aborted) return Promise.resolve({ kind: 'ended' })
    if (open >= mostQuestions) return Promise.resolve({ kind: 'refused' })
    this.open.set(session, open + 1)
    const id: RawId = `"q-${this.replica}-${this.next++}"`
    return new Promise((resolve) => {
      const settle = (reply: Reply): void => {
        if (!this.pending.delete(id)) return
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
        const left = (this.open.get(session) ?? 1) - 1
        if (left > 0) this.open.set(session, left)
        else this.open.delete(session)
        if (reply.kind === 'ended' || reply.kind === 'timeout') question.withdraw(id, reply.kind === 'ended' ? 'cancelled' : 'timed out')
        resolve(reply)
      }
      const onAbort = (): void => settle({ kind: 'ended' })
      const timer = this.clock.timer(question.timeoutMs, () => settle({ kind: 'timeout' }))
      signal.addEventListener('abort', onAbort)
      this.pending.set(id, { session, settle })
      question.send(id)
    })
  }

  /** Takes a client's answer. One that nobody waits for, or of another session, is dropped and counted. */
  deliver(session: string, message: IncomingResult | IncomingError, bytes: Uint8Array): void {
    const waiting = message.id === undefined ? undefined : this.pending.get(message.id)
    const owner = /^"q-([0-9a-f]{12})-\d+"$/.exec(message.id ?? '')?.[1]
    if (waiting !== undefined && waiting.session === session) waiting.settle(replyOf(message))
    else if (owner === undefined || owner === this.replica) this.dropped()
    else {
      const head = Buffer.from(`${JSON.stringify(session)}\n`)
      void this.ephemeral.publish(answersTopic(owner), Buffer.concat([head, bytes])).catch((error) => this.lost(error))
    }
  }

  /** Nobody answers for this session any more: its questions end. */
  endSession(session: string): void {
    if (!this.open.has(session)) return
    for (const waiting of [...this.pending.values()]) if (waiting.session === session) waiting.settle({ kind: 'ended' })
  }

  /** Tells the other replicas. */
  hint(hint: Hint): void {
    const message = Buffer.from(JSON.stringify({ ...hint, from: this.replica }))
    void this.ephemeral.publish(hintsTopic, message).catch((error) => this.lost(error))
  }

  /** Questions that wait now. */
  get waiting(): number {
    return this.pending.size
  }

  private forwarded(message: Uint8Array): void {
    const end = message.indexOf(0x0a)
    let session: unknown
    let answer: Incoming
    try {
      session = JSON.parse(asBuffer(message.subarray(0, end)).toString('utf8'))
      answer = readMessage(message.subarray(end + 1))
    } catch (error) {
      this.lost(error)
      return
    }
    if (answer.kind !== 'result' && answer.kind !== 'error') return
    const waiting = answer.id === undefined ? undefined : this.pending.get(answer.id)
    if (waiting !== undefined && waiting.session === session) waiting.settle(replyOf(answer))
    else this.dropped()
  }

  private hinted(message: Uint8Array): void {
    let told: (Hint & { readonly from: string }) | undefined
    try {
      const read: unknown = JSON.parse(asBuffer(message).toString('utf8'))
      told = isObject(read) ? (read as unknown as Hint & { readonly from: string }) : undefined
    } catch (error) {
      this.lost(error)
      return
    }
    if (told !== undefined && told.from !== this.replica) this.onHint(told)
  }

  private dropped(): void {
    this.report.counters.add('events_dropped', { where: 'late_answer' })
  }

  private lost(error: unknown): void {
    this.report.log('warn', 'a message to another replica was lost', { reason: error instanceof Error ? error.message : String(error) })
  }
}

function replyOf(message: IncomingResult | IncomingError): Reply {
  if (message.kind === 'result') return { kind: 'result', result: message.result }
  const { data } = message.error.json() as { readonly data?: unknown }
  return { kind: 'error', code: message.code, message: message.message, data }
}

const hintsTopic = gatewayKey('legacy-hints')

function answersTopic(replica: string): TenantKey {
  return gatewayKey('legacy-answers', replica)
}
