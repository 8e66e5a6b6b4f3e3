// One HTTP exchange as undici tells of it: a single object that is the handler, takes its place at the origin and gives it back once,
// follows redirects, unpacks the body, can be aborted at any time, and never calls its subclass after that.
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { IntrusiveList, ListEntry } from '../../core/call/intrusive-list.ts'
import { atBatchEnd } from '../../core/call/loop-batch.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { CredentialLease, RequestProof } from '../../core/ports/credentials.ts'
import type { Report } from '../../core/ports/report.ts'
import { type Checked, checkLarge } from '../../core/protocol/large.ts'
import { BodyDecoder, contentEncoding, isRead } from './content-encoding.ts'
import type { PoolLease } from './pools.ts'
import { ProxyFailure } from './proxied-origin.ts'
import { followed, mostRedirects, redirectedTo } from './redirect.ts'
import { knownHeaders } from './response-headers.ts'

/** What the exchanges of one wire share. */
export interface Endpoint {
  readonly upstream: string
  readonly lease: PoolLease
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly report: Report
  /** `User-Agent`, where the configuration names no other. */
  readonly userAgent: string
  /** With what its connection was made: what proves each request is of it. */
  readonly credential?: CredentialLease | undefined
  /** Exchanges that are open, for `close`. */
  readonly live: IntrusiveList<Reception>
  /** The server redirected from one path of its origin to another: requests go there from now on. */
  moved(from: string, to: string): void
}

/** How much of a body that nobody wants is read to keep the connection. */
const drainBytes = 65_536
/** How long the end of a stream that has given its answer, or of a body that nobody wants, is waited for. */
const lingerMs = 1_000

class Aborted extends Error {}

export abstract class Reception implements Dispatcher.DispatchHandler {
  protected readonly endpoint: Endpoint
  /** True once the request may have reached the peer. */
  protected sent = false
  private cancel: ((error: Error) => void) | undefined
  private place: ListEntry<Reception> | undefined
  private running = false
  private silent = false
  private draining = false
  private drained = 0
  private linger: Timer | undefined
  private asked: Dispatcher.DispatchOptions | undefined
  private redirects = 0
  private proof: RequestProof | undefined
  private proofs = 0
  private decoder: BodyDecoder | undefined
  /** All that will come has come, and the decoder is not done with it. */
  private arrived = false
  private cut: Error | undefined
  /** What came behind a large message, while that is checked; undefined while none is. */
  private behind: (() => void)[] | undefined
  private readOn: (() => void) | undefined

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
  }

  /** Status and headers have come; never for 1xx. */
  protected abstract begin(status: number, headers: IncomingHttpHeaders): void
  protected abstract chunk(bytes: Buffer): void
  /** The body is whole. */
  protected abstract end(): void
  /** The exchange ended before its body did. */
  protected abstract fail(error: Error): void
  /** A bug of ours was met: settle what waits. The exchange is aborted. */
  protected abstract crash(bug: unknown): void
  /** The wire closes: settle what waits. The stream is aborted afterwards. */
  abstract closed(): void

  /** Sends; false where the origin has no place left. A further exchange may be dispatched once the one before has ended or was aborted. */
  protected dispatch(method: 'GET' | 'POST' | 'DELETE', path: string, headers: string[], body: Uint8Array | undefined): boolean {
    this.redirects = 0
    this.proofs = 0
    return this.ask({ method, path, headers, body: body ?? null, idempotent: false, blocking: false })
  }

  private ask(request: Dispatcher.DispatchOptions): boolean {
    if (!this.endpoint.lease.enter()) return false
    this.asked = request
    this.decoder = undefined
    this.arrived = false
    this.cut = undefined
    this.cancel = undefined
    this.behind = undefined
    this.readOn = undefined
    this.sent = false
    this.silent = false
    this.draining = false
    this.drained = 0
    this.running = true
    this.enroll()
    this.proof = this.endpoint.credential?.proof
    atBatchEnd(() => this.launch(request))
    return true
  }

  private launch(request: Dispatcher.DispatchOptions): void {
    try {
      if (this.proof === undefined) this.endpoint.lease.pool.dispatch(request, this)
      else this.prove(request, this.proof)
    } catch (bug) {
      this.over()
      this.broke(bug)
    }
  }

  private prove(request: Dispatcher.DispatchOptions, proof: RequestProof): void {
    const { method, path, body } = request
    const url = `${this.endpoint.lease.origin}${path}`
    const more = proof.headers(method, url, body instanceof Uint8Array ? body : undefined)
    if (!(more instanceof Promise)) {
      this.launchWith(request, more)
      return
    }
    more
      .then((late) => {
        // Aborted meanwhile: nothing is sent, and the place is free.
        if (this.silent) this.over()
        else this.launchWith(request, late)
      })
      .catch((bug: unknown) => {
        this.over()
        this.broke(bug)
      })
  }

  private launchWith(request: Dispatcher.DispatchOptions, more: Readonly<Record<string, string>>): void {
    const headers = (request.headers as string[]).slice()
    for (const name in more) headers.push(name, more[name] as string)
    this.endpoint.lease.pool.dispatch({ ...request, headers }, this)
  }

  /** The server names what it wants in proofs, and refuses one without it (RFC 9449 §9): it did not look at the request. */
  private provenAnew(proof: RequestProof, status: number, headers: IncomingHttpHeaders): boolean {
    const nonce = headers['dpop-nonce']
    if (typeof nonce !== 'string' || !proof.nonce(nonce) || status !== 401 || this.proofs > 0 || this.asked === undefined) return false
    if (!/\buse_dpop_nonce\b/.test(String(headers['www-authenticate']))) return false
    this.proofs += 1
    this.abort()
    if (!this.ask(this.asked)) this.fail(new Aborted('no place to send it with another proof'))
    return true
  }

  private broke(bug: unknown): void {
    this.abort()
    this.crash(bug)
  }

  /** Ends the exchange and destroys its connection; nothing of it is told any more. */
  abort(): void {
    if (!this.running) return
    this.silent = true
    this.decoder?.stop()
    if (this.arrived) this.over()
    else this.cancel?.(new Aborted('aborted'))
  }

  /** The rest of the body is of no interest: read a little of it to keep the connection, then abort. */
  protected drain(): void {
    this.draining = true
    this.expectEnd()
  }

  /** The stream should end by itself now. */
  protected expectEnd(): void {
    if (this.running) this.linger ??= this.endpoint.clock.timer(lingerMs, () => this.abort())
  }

  // These are the raw callbacks of undici 7. Those that replace them parse every header and wrap every call, which costs as much as all
  // of our own reading. Each is a catch boundary: what it throws would else be taken for a failure of the connection.
  onConnect(abort: (error?: Error) => void): void {
    this.cancel = abort
    if (this.silent) abort(new Aborted('aborted'))
    else this.sent = true
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    try {
      if (!this.silent && status >= 200) this.headed(status, knownHeaders(raw, status), resume)
    } catch (bug) {
      this.broke(bug)
    }
    return true
  }

  onData(bytes: Buffer): boolean {
    if (this.silent) return true
    if (!this.draining) {
      if (this.decoder !== undefined) return this.decoder.write(bytes) && this.behind === undefined
      this.take(bytes)
      return this.behind === undefined
    }
    this.drained += bytes.length
    if (this.drained > drainBytes) this.abort()
    return true
  }

  onComplete(): void {
    this.ended(undefined)
  }

  onError(error: Error): void {
    this.ended(error)
  }

  private headed(status: number, headers: IncomingHttpHeaders, resume: () => void): void {
    this.readOn = resume
    if (this.proof !== undefined && this.provenAnew(this.proof, status, headers)) return
    if (status >= 300 && (status === 407 ? this.refusedByProxy(status) : status < 400 && this.follow(status, headers))) return
    const encoding = contentEncoding(headers)
    if (encoding !== undefined && isRead(encoding)) {
      this.decoder = new BodyDecoder(encoding, {
        chunk: (bytes) => {
          if (!this.draining) this.take(bytes)
        },
        more: resume,
        done: (error) => this.unpacked(error),
      })
    }
    this.begin(status, headers)
  }

  private follow(status: number, headers: IncomingHttpHeaders): boolean {
    const { asked, endpoint } = this
    if (asked === undefined || this.redirects >= mostRedirects) return false
    const path = followed(status, headers, endpoint.lease.origin, asked.path)
    if (path === undefined) return false
    this.redirects += 1
    this.abort()
    endpoint.moved(asked.path, path)
    if (!this.ask({ ...asked, path })) this.fail(new Aborted('no place to follow a redirect'))
    return true
  }

  /** 407 is the proxy's own (RFC 9110 §15.5.8): the request went no further. */
  private refusedByProxy(status: number): boolean {
    const { forwarder } = this.endpoint.lease
    if (forwarder === undefined) return false
    this.abort()
    this.sent = false
    this.fail(new ProxyFailure(forwarder, status))
    return true
  }

  /** Where a status of 3xx leads that was not followed, for people. */
  protected redirectedTo(status: number, headers: IncomingHttpHeaders): string | undefined {
    return redirectedTo(status, headers, this.endpoint.lease.origin, this.asked?.path ?? '')
  }

  private take(bytes: Buffer): void {
    if (this.waits(() => this.take(bytes))) return
    try {
      this.chunk(bytes)
    } catch (bug) {
      this.broke(bug)
    }
  }

  /** The connection has brought all, or `error` cut it. */
  private ended(error: Error | undefined): void {
    if (this.decoder === undefined || this.silent || this.draining) {
      this.over()
      if (!this.silent && !this.draining) this.tell(error)
      return
    }
    this.arrived = true
    this.cut = error
    this.decoder.end()
  }

  private unpacked(error: Error | undefined): void {
    if (this.arrived) this.over()
    else this.abort()
    if (!this.draining) this.tell(error ?? this.cut)
  }

  private tell(error: Error | undefined): void {
    if (this.waits(() => this.tell(error))) return
    try {
      if (error === undefined) this.end()
      else this.fail(error)
    } catch (bug) {
      this.broke(bug)
    }
  }

  /** Large bytes are checked in parts; what else comes of this exchange waits, so that it overtakes nothing, and no more is read. */
  protected checked(bytes: Uint8Array, then: (found: Checked) => void): void {
    const behind: (() => void)[] = []
    this.behind = behind
    checkLarge(bytes, (found) => {
      // Aborted meanwhile, or sent anew.
      if (this.behind !== behind) return
      this.behind = undefined
      try {
        then(found)
        this.goOn(behind)
      } catch (bug) {
        this.broke(bug)
      }
    })
  }

  /** Whether it has to wait; then it is done later. */
  protected waits(task: () => void): boolean {
    if (this.behind === undefined) return false
    this.behind.push(task)
    return true
  }

  private goOn(tasks: readonly (() => void)[]): void {
    for (const [at, task] of tasks.entries()) {
      // One of them was large, too.
      if (this.behind !== undefined) {
        this.behind.push(...tasks.slice(at))
        return
      }
      if (!this.silent) task()
    }
    if (this.running && !this.silent) this.readOn?.()
  }

  /** `close` of the wire finds it from now on. */
  protected enroll(): void {
    this.place ??= this.endpoint.live.enter(this)
  }

  protected withdraw(): void {
    if (this.place !== undefined) this.endpoint.live.leave(this.place)
    this.place = undefined
  }

  private over(): void {
    if (!this.running) return
    this.running = false
    this.linger?.cancel()
    this.linger = undefined
    this.withdraw()
    this.endpoint.lease.leave()
  }
}

/** Headers of ours that a caller cannot replace, and those that undici refuses. */
const reserved = new Set([
  'content-type',
  'accept',
  'content-length',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'user-agent',
])

/** Flat header list: `own` first, then those of `given` that are not reserved. */
export function headerList(own: readonly string[], given: Readonly<Record<string, string>>, userAgent: string): string[] {
  const list = own.slice()
  list.push('user-agent', given['user-agent'] ?? userAgent)
  for (const name in given) {
    const value = given[name]
    if (value !== undefined && !reserved.has(name)) list.push(name, value)
  }
  return list
}
