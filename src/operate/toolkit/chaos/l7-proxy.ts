// A fault proxy for MCP over HTTP of every revision: it knows methods, tools and ids, hands on what no rule is about as it comes, and gives
// the answers of the rest to a fault once their server has given them, so that what was executed is executed, whatever the client hears.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../../core/ports/clock.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import { L7Streams } from './l7-streams.ts'
import { type Rule, Rules } from './rules.ts'
import { eventBlock, type Message, messagesIn } from './sse-text.ts'

/** One request that a rule took, and its answer. */
export interface Turn {
  readonly method: string
  /** The JSON-RPC id of the request. */
  readonly id: unknown
  readonly params: Readonly<Record<string, unknown>>
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** The answer of the server, as JSON text. */
  readonly answer: string
  /** The result in it; empty where it is an error. */
  readonly result: Readonly<Record<string, unknown>>
  /** The token to report progress with. */
  readonly progressToken: unknown
  /** An id of this stream, for events that a client may resume after. */
  readonly stream: string
  readonly proxy: L7Proxy
  /** Answers as the server did. */
  right(): void
  sleep(ms: number): Promise<void>
}

/** Gives the answer of one request, rightly or wrongly. */
export type L7Fault = (turn: Turn) => void | Promise<void>

export interface L7Options {
  readonly rules?: readonly Rule<L7Fault>[]
  readonly seed?: number
  /** Of the proxy itself; 0 is any that is free. */
  readonly port?: number
  readonly clock?: Clock
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Before the server `target` (its origin; loopback in tests). Rejects where its own port cannot be had. */
export async function startL7Proxy(target: string, options: L7Options = {}): Promise<L7Proxy> {
  const proxy = new L7Proxy(target, options)
  await proxy.listen(options.port ?? 0)
  return proxy
}

export class L7Proxy {
  readonly rules: Rules<L7Fault>
  /** Faults that were injected, by method. */
  readonly injected = new Map<string, number>()
  /** Bytes that faults made up and wrote before their client hung up. */
  bytesMade = 0
  private readonly target: URL
  private readonly clock: Clock
  private readonly http: Server
  private readonly streams = new L7Streams()
  private turns = 0

  constructor(target: string, { rules = [], seed = 1, clock = systemClock }: L7Options) {
    this.target = new URL(target)
    this.rules = new Rules(rules, seed)
    this.clock = clock
    this.http = createServer((req, res) => {
      res.on('error', () => undefined)
      this.take(req, res).catch(() => req.socket.resetAndDestroy())
    })
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port
  }

  async listen(port: number): Promise<void> {
    this.http.listen(port, '127.0.0.1')
    await once(this.http, 'listening')
  }

  /** Keeps an event for the client that resumes this stream. */
  owe(stream: string, answer: string): void {
    this.streams.owe(stream, answer)
  }

  /** RST on every stream that clients have open. */
  cutStreams(): void {
    this.streams.cut()
  }

  /** Ends every connection to clients at once, as the restart of a server does. */
  cutConnections(): void {
    this.http.closeAllConnections()
  }

  async stop(): Promise<void> {
    const closed = once(this.http, 'close')
    this.http.close()
    this.http.closeAllConnections()
    await closed
  }

  private async take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === 'GET' && this.streams.resume(req, res)) return
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const message = req.method === 'POST' ? requestIn(body) : undefined
    const method = String(message?.method)
    const params = (message?.params ?? {}) as Record<string, unknown>
    const fault = message?.id === undefined ? undefined : this.rules.choose({ method, params })
    if (fault === undefined) {
      await this.handOn(req, res, body)
      return
    }
    this.injected.set(method, (this.injected.get(method) ?? 0) + 1)
    await this.harm(fault, { method, id: message?.id, params, req, res }, body)
  }

  /** As it comes, in both directions. */
  private async handOn(req: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
    const reply = await this.ask(req, res, body)
    if (req.method === 'GET' && isStream(reply)) {
      res.writeHead(reply.statusCode ?? 502, headersOf(reply.headers))
      this.streams.relay(reply, res)
      return
    }
    res.writeHead(reply.statusCode ?? 502, headersOf(reply.headers))
    reply.on('error', () => res.destroy())
    reply.pipe(res)
  }

  private async harm(fault: L7Fault, asked: Pick<Turn, 'method' | 'id' | 'params' | 'req' | 'res'>, body: Buffer): Promise<void> {
    const { req, res, id } = asked
    // A server of 2024-11-05 answers on its stream, so that the wait begins before the request.
    const onStream = this.streams.await(req.url ?? '', id)
    const reply = await whole(await this.ask(req, res, body))
    const answer = isAccepted(reply) ? await onStream.answer : answerIn(reply, id)
    onStream.forget()
    const { result = {} } = JSON.parse(answer === '' ? '{}' : answer) as { result?: Record<string, unknown> }
    this.turns += 1
    const turn: Turn = {
      ...asked,
      answer,
      result,
      progressToken: (asked.params._meta as Record<string, unknown> | undefined)?.progressToken,
      stream: `turn-${this.turns}`,
      proxy: this,
      right: () => {
        res.writeHead(reply.status, headersOf(reply.headers))
        res.end(reply.body)
        if (isAccepted(reply)) this.streams.send(req.url ?? '', eventBlock(answer))
      },
      sleep: (ms) => new Promise((resolve) => this.clock.timer(ms, resolve)),
    }
    await fault(turn)
  }

  /** Resolves to the head of the answer; whoever hangs up on us has us hang up on the server. */
  private async ask(req: IncomingMessage, res: ServerResponse, body: Buffer): Promise<IncomingMessage> {
    const headers = { ...headersOf(req.headers), host: this.target.host, ...(body.length > 0 ? { 'content-length': body.length } : {}) }
    const upstream = request(new URL(req.url ?? '/', this.target), { method: req.method ?? 'GET', headers, agent: false })
    const abandon = (): void => void upstream.destroy()
    res.once('close', abandon)
    upstream.end(body)
    const [reply] = (await once(upstream, 'response')) as [IncomingMessage]
    upstream.on('error', () => undefined)
    return reply
  }
}

/** The request in a body that is one; undefined for batches and what is none. */
function requestIn(body: Buffer): Message | undefined {
  try {
    const message = JSON.parse(body.toString('utf8')) as unknown
    return typeof message === 'object' && message !== null && !Array.isArray(message) ? (message as Message) : undefined
  } catch {
    return undefined
  }
}

async function whole(reply: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  for await (const chunk of reply) chunks.push(chunk as Buffer)
  return { status: reply.statusCode ?? 502, headers: reply.headers, body: Buffer.concat(chunks) }
}

function isAccepted({ status, body }: Reply): boolean {
  return status === 202 && body.length === 0
}

function isStream({ headers }: { readonly headers: IncomingHttpHeaders }): boolean {
  return headers['content-type']?.includes('text/event-stream') === true
}

/** The answer to this id, as JSON text; what stands in the body where there is none. */
function answerIn(reply: Reply, id: unknown): string {
  const text = reply.body.toString('utf8')
  if (!isStream(reply)) return isJson(text) ? text : '{}'
  const found = messagesIn(text).find(({ message }) => message.id === id && message.method === undefined)
  return found?.data ?? '{}'
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

/** Without those of one connection, and without a length, which node counts anew. */
function headersOf(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _c, 'keep-alive': _k, 'transfer-encoding': _t, 'content-length': _l, ...rest } = headers
  return rest
}
