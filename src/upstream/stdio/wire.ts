// The stdio implementation of `Wire`: one life of one child process. It correlates answers by id, survives noise on the child's stdout
// and tells of it, and never leaves a request without its answer or a process without an end.
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { guarded, inBackground } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type {
  Incoming,
  IncomingAmbiguous,
  IncomingError,
  IncomingNotification,
  IncomingRequest,
  IncomingResult,
} from '../../core/protocol/jsonrpc.ts'
import { type Checked, checkLarge, isLarge } from '../../core/protocol/large.ts'
import { Lines, type OnLine } from '../../core/protocol/lines.ts'
import type { SandboxSettings } from '../settings.ts'
import type { RequestIds } from '../wire/ids.ts'
import { takeEach } from '../wire/take-each.ts'
import type { Wire, WireAnomaly, WireAnswer, WireRequest } from '../wire/wire.ts'
import { Child, type Ending, startChild } from './child.ts'
import { answeredBy } from './oversize.ts'
import { idOfBroken, type LineContent, readLargeLine, readLine } from './stdout-parser.ts'

export interface StdioWireOptions {
  /** Name of the server, for faults, logs and counters. */
  readonly upstream: string
  readonly command: string
  readonly args: readonly string[]
  /** The settings' env, on top of the allow-list. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  readonly sandbox?: SandboxSettings | undefined
  /** What of the gateway no confined child may see. */
  readonly hidden?: readonly string[]
  /** Cap of one line of the child's stdout in bytes. A longer one ends the child: what follows it cannot be told apart. */
  readonly maxMessageBytes: number
  readonly ids: RequestIds
  readonly clock: Clock
  readonly report: Report
  /** Wait between the end of stdin and SIGTERM, and again between SIGTERM and SIGKILL, in ms. */
  readonly graceMs?: number
  /** What may wait for a child that does not read its stdin, in bytes. */
  readonly maxQueueBytes?: number
}

const defaultGraceMs = 2_000
const defaultQueueBytes = 8 * 1024 * 1024
/** How many cancelled ids are remembered, so that their late answers are no anomaly. */
const maxCancelled = 1_024
const quotedBytes = 200
/** Large lines of one child that are checked at once. */
const mostChecking = 2

/**
 * Starts the child. Resolves to a fault where it cannot be started: `config_error` (no such command, not executable, no such cwd), or
 * `upstream_start_failed` where the system is out of processes. Set `onStray`, `onEnd` and `onAnomaly` before the next await.
 */
export async function openStdioWire(options: StdioWireOptions): Promise<StdioWire | Fault> {
  const child = await startChild({
    ...options,
    graceMs: options.graceMs ?? defaultGraceMs,
    maxQueueBytes: options.maxQueueBytes ?? defaultQueueBytes,
  })
  return child instanceof Child ? new StdioWire(child, options) : child
}

const nothing = new Uint8Array()

export class StdioWire implements Wire {
  readonly transport = 'stdio'
  onStray: (message: IncomingRequest | IncomingNotification) => void = () => undefined
  onEnd: (fault: Fault) => void = () => undefined
  onAnomaly: (type: WireAnomaly, detail: string) => void = () => undefined
  private readonly child: Child
  private readonly options: StdioWireOptions
  private readonly lines: Lines
  private readonly onLine: OnLine
  private readonly inFlight = new InFlight()
  /** Something that has no answer was sent since the last answer came. An error without an id may complain of that. */
  private posted = false
  /** Why nothing can be sent any more. */
  private ended: Fault | undefined
  /** Large lines that are being checked. */
  private checking = 0
  /** How the child ended while some were. */
  private ending: Ending | undefined
  private readonly onChecked: (found: Checked) => void

  constructor(child: Child, options: StdioWireOptions) {
    this.child = child
    this.options = options
    this.onChecked = guarded<Checked>(options.report, 'child', (found) => this.tookLarge(found))
    this.lines = new Lines(options.maxMessageBytes)
    const { report } = options
    // What follows in a chunk after the end of the connection is nobody's.
    const whole = guarded<Uint8Array>(report, 'child', (line) => void (this.ended === undefined && this.read(line)))
    const oversize = guarded<Uint8Array>(report, 'child', (head) => void (this.ended === undefined && this.refuseOversize(head)))
    this.onLine = (line, head = nothing) => (line === undefined ? oversize(head) : whole(line))
    child.onOutput = guarded<Buffer>(report, 'child', (chunk) => {
      if (this.ended === undefined) this.lines.push(chunk, this.onLine)
    })
    child.onEnd = guarded<Ending>(report, 'child', (ending) => this.endOfChild(ending))
  }

  get pid(): number {
    return this.child.pid
  }

  /** The tail of the child's stderr, secrets masked; '' if it said nothing. */
  lastWords(): string {
    return this.child.lastWords()
  }

  nextId(): number {
    return this.options.ids.next()
  }

  request(request: WireRequest): Promise<WireAnswer> {
    if (request.signal.aborted) return Promise.resolve({ kind: 'aborted', sent: false })
    const refused = this.send(request.message)
    if (refused !== undefined) return Promise.resolve({ kind: 'lost', fault: refused })
    return new Promise((resolve) => this.inFlight.add(request, resolve))
  }

  post(message: Uint8Array, _headers: Readonly<Record<string, string>>): Promise<Fault | undefined> {
    this.posted = true
    return Promise.resolve(this.send(message))
  }

  close(): Promise<void> {
    this.ended ??= this.unavailable({ reason: 'its connection was closed' })
    this.inFlight.settleAll(() => ({ kind: 'aborted', sent: true }))
    return this.child.stop()
  }

  private send(message: Uint8Array): Fault | undefined {
    if (this.ended !== undefined) return this.ended
    const taken = this.child.write(framed(message))
    if (taken === 'taken') return undefined
    const { upstream, report } = this.options
    if (taken === 'closed') return this.unavailable({ reason: 'its process is ending' })
    report.counters.add('calls_refused', { upstream })
    const limit = `${this.options.maxQueueBytes ?? defaultQueueBytes} bytes that it does not read`
    return fault('overloaded', { upstream, limit, retryAfterMs: 1_000 }, { evidence: evidence.no_place, retryAfterMs: 1_000 })
  }

  /** Nothing can be sent any more. */
  private unavailable(detail: Readonly<Record<string, unknown>>): Fault {
    return fault('upstream_unavailable', { upstream: this.options.upstream, ...detail }, { evidence: evidence.connection_ended })
  }

  private read(line: Uint8Array): void {
    if (isLarge(line)) this.readLarge(line)
    else this.readContent(line, readLine(line))
  }

  /** Lines behind it are read meanwhile: they belong to other calls. What holds memory is bounded: the child waits from so many on. */
  private readLarge(line: Uint8Array): void {
    this.checking += 1
    if (this.checking === mostChecking) this.child.pause()
    checkLarge(line, this.onChecked)
  }

  private tookLarge(found: Checked): void {
    this.checking -= 1
    if (this.checking === mostChecking - 1) this.child.resume()
    if (this.ended === undefined) this.readContent(found.bytes, readLargeLine(found))
    if (this.checking === 0 && this.ending !== undefined) this.endOfChild(this.ending)
  }

  private readContent(line: Uint8Array, { messages, anomaly }: LineContent): void {
    if (anomaly !== undefined) this.onAnomaly(anomaly.type, `${anomaly.why}: ${this.quote(line)}`)
    takeEach(this.options.report, 'child', messages, anomaly?.type === 'glued' ? this.takeGlued : this.takeWhole)
    if (anomaly?.type === 'malformed') this.failBroken(line, anomaly.why)
  }

  private readonly takeWhole = (message: Incoming): void => this.take(message, false)
  private readonly takeGlued = (message: Incoming): void => this.take(message, true)

  private take(message: Incoming, glued: boolean): void {
    if (message.kind === 'result' || message.kind === 'error') this.takeAnswer(message)
    else if (message.kind === 'ambiguous') this.takeAmbiguous(message)
    else if (!(glued && this.isEcho(message))) this.onStray(message)
  }

  /** Servers that log what they read print our own requests. */
  private isEcho(message: IncomingRequest | IncomingNotification): boolean {
    return message.kind === 'request' && this.inFlight.pending.get(Number(message.id))?.request.method === message.method
  }

  /** It costs the call that it surely was meant for. */
  private takeAmbiguous({ of, id, what }: IncomingAmbiguous): void {
    this.onAnomaly('ambiguous', what)
    if (of === 'answer') this.failOne(id === undefined ? this.inFlight.only() : this.inFlight.byText(id), what)
  }

  private takeAnswer(answer: IncomingResult | IncomingError): void {
    const pending = answer.id === undefined ? undefined : (this.inFlight.byText(answer.id) ?? this.quoted(answer.id))
    if (pending === undefined) {
      this.takeOrphan(answer)
      return
    }
    this.posted = false
    const { maxBytes, method } = pending.request
    if (answer.kind === 'result' && answer.result.bytes.length > maxBytes) {
      pending.settle(lost(this.tooLarge(method, maxBytes)))
      return
    }
    pending.settle({ kind: 'answer', answer, status: 200 })
  }

  /** Our ids are numbers, so that the text of one can mean no other request. */
  private quoted(id: string): Pending | undefined {
    const found = /^"([1-9]\d{0,14})"$/.exec(id)
    const pending = found === null ? undefined : this.inFlight.byText(found[1] as string)
    if (pending !== undefined) this.onAnomaly('id_type', `an answer with the id ${id} in place of ${pending.request.id}`)
    return pending
  }

  private takeOrphan(answer: IncomingResult | IncomingError): void {
    const { id } = answer
    if (id !== undefined && this.options.ids.issued(id)) {
      // Cancelled requests may still be answered; that is no anomaly.
      if (!this.inFlight.takeCancelled(Number(id))) this.onAnomaly('duplicate', `a second answer with the id ${id}`)
      return
    }
    const said = answer.kind === 'error' ? ` (error ${answer.code}: ${answer.message.slice(0, quotedBytes)})` : ''
    const what = this.child.quotable(
      id === undefined ? `an error without an id${said}` : `an answer with the unknown id ${id.slice(0, 64)}${said}`,
    )
    this.onAnomaly('orphan', what)
    const meant = this.meantBy(id)
    // Nothing else is asked before `initialize` is answered; what it is refused for is read by whoever asks anew.
    if (answer.kind === 'error' && meant?.request.method === 'initialize') meant.settle({ kind: 'answer', answer, status: 200 })
    else this.failOne(meant, `it sent ${what}`)
    this.posted = false
  }

  /** The request that an answer with a wrong id, or none, was surely meant for. */
  private meantBy(id: string | undefined): Pending | undefined {
    if (id === undefined) return this.posted ? undefined : this.inFlight.only()
    const quoted = /^"(\d{1,15})"$/.exec(id)
    return (quoted === null ? undefined : this.inFlight.pending.get(Number(quoted[1]))) ?? this.inFlight.only()
  }

  private failBroken(line: Uint8Array, why: string): void {
    const id = idOfBroken(line)
    if (id === undefined) return
    this.failOne(id === 'unknown' ? this.inFlight.only() : this.inFlight.pending.get(id), why)
  }

  private failOne(pending: Pending | undefined, reason: string): void {
    pending?.settle(
      lost(fault('upstream_protocol_error', { upstream: this.options.upstream, reason }, { evidence: evidence.answer_invalid })),
    )
  }

  private refuseOversize(head: Uint8Array): void {
    const limit = this.options.maxMessageBytes
    const reason = `it sent a message larger than ${limit} bytes, so its process was ended`
    this.onAnomaly('oversize', reason)
    const meant = answeredBy(head, this.inFlight.pending.values())
    meant?.settle(lost(this.tooLarge(meant.request.method, limit)))
    this.end(reason, {}, true)
  }

  private tooLarge(item: string, limit: number): Fault {
    return fault('result_too_large', { upstream: this.options.upstream, item, limit }, { evidence: evidence.answer_too_large })
  }

  private endOfChild(ending: Ending): void {
    if (this.ended !== undefined) return
    if (this.checking > 0) {
      this.ending = ending
      return
    }
    this.lines.finish((rest) => rest !== undefined && this.readRest(rest))
    this.end(ending.how, { exitCode: ending.code, signal: ending.signal }, false)
  }

  /** A last line without its line end: whole with servers that write none, else cut off by their end. */
  private readRest(rest: Uint8Array): void {
    const { messages } = readLine(rest)
    if (messages.length === 0) this.onAnomaly('malformed', `the output ended within a line: ${this.quote(rest)}`)
    takeEach(this.options.report, 'child', messages, this.takeGlued)
  }

  private end(how: string, facts: Readonly<Record<string, unknown>>, atOnce: boolean): void {
    if (this.ended !== undefined) return
    const { upstream, report } = this.options
    const stderr = this.lastWords()
    const reason = stderr === '' ? how : `${how}; its last words: ${stderr}`
    const detail = { upstream, reason, ...facts, ...(stderr === '' ? {} : { stderr }) }
    this.ended = this.unavailable(detail)
    report.log('warn', 'a stdio server ended', { upstream, pid: this.pid, how, ...facts })
    this.inFlight.settleAll((pending) =>
      lost(fault('outcome_unknown', { ...detail, item: pending.request.method }, { evidence: evidence.child_exited })),
    )
    inBackground(report, 'child', this.child.stop(atOnce))
    this.onEnd(this.ended)
  }

  private quote(line: Uint8Array): string {
    const text = Buffer.from(line.subarray(0, quotedBytes)).toString('utf8')
    return this.child.quotable(line.length > quotedBytes ? `${text}… (${line.length} bytes)` : text)
  }
}

/** The requests that wait for their answers, and the ids of those that no longer do. */
class InFlight {
  readonly pending = new Map<number, Pending>()
  private readonly cancelled = new Set<number>()

  add(request: WireRequest, resolve: (answer: WireAnswer) => void): void {
    this.pending.set(request.id, new Pending(request, this, resolve))
  }

  /** The request in flight, if there is exactly one: then whatever answer comes is meant for it, and waiting for a better one is vain. */
  only(): Pending | undefined {
    if (this.pending.size !== 1) return undefined
    for (const pending of this.pending.values()) return pending
    return undefined
  }

  /** By the text of the id: the answer to 7 is 7, not "7" and not 7.0 (JSON-RPC 2.0 §5). */
  byText(id: string): Pending | undefined {
    const found = this.pending.get(Number(id))
    return found !== undefined && String(found.request.id) === id ? found : undefined
  }

  cancel(id: number): void {
    this.cancelled.add(id)
    if (this.cancelled.size <= maxCancelled) return
    const [oldest] = this.cancelled
    if (oldest !== undefined) this.cancelled.delete(oldest)
  }

  /** Whether this id was cancelled and not yet answered. */
  takeCancelled(id: number): boolean {
    return this.cancelled.delete(id)
  }

  settleAll(answer: (pending: Pending) => WireAnswer): void {
    for (const pending of this.pending.values()) pending.settle(answer(pending))
  }
}

/** One request in flight. It is its own abort listener, which saves a closure per request. */
class Pending {
  readonly request: WireRequest
  private readonly among: InFlight
  private readonly resolve: (answer: WireAnswer) => void

  constructor(request: WireRequest, among: InFlight, resolve: (answer: WireAnswer) => void) {
    this.request = request
    this.among = among
    this.resolve = resolve
    request.signal.addEventListener('abort', this, { once: true })
  }

  handleEvent(): void {
    this.among.cancel(this.request.id)
    this.settle({ kind: 'aborted', sent: true })
  }

  settle(answer: WireAnswer): void {
    this.among.pending.delete(this.request.id)
    this.request.signal.removeEventListener('abort', this)
    this.resolve(answer)
  }
}

function lost(reason: Fault): WireAnswer {
  return { kind: 'lost', fault: reason }
}

/** One line. Raw line ends within JSON can only be space between tokens, and would end the message early. */
function framed(message: Uint8Array): Buffer {
  const line = Buffer.allocUnsafe(message.length + 1)
  line.set(message)
  line[message.length] = newline
  for (const end of [newline, carriageReturn]) {
    for (let at = line.indexOf(end); at >= 0 && at < message.length; at = line.indexOf(end, at + 1)) line[at] = space
  }
  return line
}

const newline = 0x0a
const carriageReturn = 0x0d
const space = 0x20
