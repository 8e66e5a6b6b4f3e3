// A good MCP server over HTTP of either era that counts what it did, behind the fault proxy of the product. Faults are scripted by the tag in
// a call's arguments, so that many calls can fail in different ways at once.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type L7Fault, type L7Proxy, type Rule, startL7Proxy } from '../../src/operate/toolkit/chaos/index.ts'

/** `sse` is the transport of 2024-11-05. */
export type L7Era = 'modern' | 'legacy' | 'sse'

export interface ToolSpec {
  readonly name: string
  readonly [member: string]: unknown
}

export interface Recorded {
  readonly method: string
  readonly tag: string | undefined
  readonly headers: IncomingMessage['headers']
}

const claim = 'io.modelcontextprotocol/protocolVersion'

export const standardTools: readonly ToolSpec[] = [
  { name: 'read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'write', inputSchema: { type: 'object' } },
]

export class L7Server {
  era: L7Era
  tools: readonly ToolSpec[] = standardTools
  /** Revisions that it names in place of its own. */
  revisions: readonly string[] = ['2026-07-28']
  /** Destroys the connection of every handshake. */
  diesOnHandshake = false
  /** Status for requests of unknown sessions: 404 by the specification, 400 with server-everything. */
  lostStatus: 404 | 400 = 404
  /** What it was asked, in order. */
  readonly log: Recorded[] = []
  /** Executions of tools by tag: the side effects. */
  readonly effects = new Map<string, number>()
  /** Tags of calls that were cancelled by message or by closing their stream before they were answered. */
  readonly cancelled = new Set<string>()
  handshakes = 0
  /** What stands before it. */
  proxy!: L7Proxy
  private readonly scripts = new Map<string, Rule<L7Fault>[]>()
  private readonly sessions = new Set<string>()
  private readonly streams = new Map<string, ServerResponse>()
  private readonly tags = new Map<unknown, string>()
  private readonly http: Server
  /** Overrides the endpoint event of the `sse` era; undefined sends the right one, '' none at all. */
  endpoint: string | undefined

  constructor(era: L7Era) {
    this.era = era
    this.http = createServer((req, res) => {
      res.on('error', () => undefined)
      void this.take(req, res)
    })
  }

  /** Of the proxy. */
  get port(): number {
    return this.proxy.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve))
    this.proxy = await startL7Proxy(`http://127.0.0.1:${(this.http.address() as AddressInfo).port}`)
  }

  /** One fault: each call with the tag gets it. A list: one for each call in turn, then right answers. */
  script(tag: string, faults: L7Fault | readonly L7Fault[]): void {
    for (const rule of this.scripts.get(tag) ?? []) this.proxy.rules.remove(rule)
    const match = { method: 'tools/call', arguments: { tag } }
    const all =
      typeof faults === 'function'
        ? [{ ...match, fault: this.noting(tag, faults) }]
        : faults.map((fault, at) => ({ ...match, nth: at + 1, fault }))
    this.scripts.set(tag, all)
    for (const rule of all) this.proxy.rules.add(rule)
  }

  /** Whoever hangs up before the answer is whole has cancelled. */
  private noting(tag: string, fault: L7Fault): L7Fault {
    return (turn) => {
      turn.res.on('close', () => {
        if (!turn.res.writableFinished) this.cancelled.add(tag)
      })
      return fault(turn)
    }
  }

  effectsOf(tag: string): number {
    return this.effects.get(tag) ?? 0
  }

  count(method: string): number {
    return this.log.filter((entry) => entry.method === method).length
  }

  /** Forgets every session and cuts every connection, as a restart does. */
  restart(lostStatus: 404 | 400): void {
    this.lostStatus = lostStatus
    this.sessions.clear()
    this.streams.clear()
    this.http.closeAllConnections()
    this.proxy.cutConnections()
  }

  /** Sends a notification on every open stream of sessions. */
  announce(method: string): void {
    const data = JSON.stringify({ jsonrpc: '2.0', method })
    for (const stream of this.streams.values()) stream.write(`data: ${data}\n\n`)
  }

  async stop(): Promise<void> {
    await this.proxy.stop()
    await new Promise<void>((resolve) => {
      this.http.close(() => resolve())
      this.http.closeAllConnections()
    })
  }

  private async take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === 'GET') return this.get(req, res)
    if (req.method === 'DELETE') {
      this.sessions.delete(String(req.headers['mcp-session-id']))
      res.writeHead(200).end()
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const message = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
    await this.hear(message, req, res)
  }

  private async hear(message: Record<string, unknown>, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const method = String(message.method)
    const params = (message.params ?? {}) as Record<string, unknown>
    const tag = tagOf(params)
    this.log.push({ method, tag, headers: req.headers })
    if (method === 'notifications/cancelled') this.cancelled.add(this.tags.get(params.requestId) ?? '')
    if (this.lost(method, req, res)) return
    if (message.id === undefined) {
      res.writeHead(202).end()
      return
    }
    if (this.era === 'modern' && (params._meta as Record<string, unknown> | undefined)?.[claim] === undefined) {
      const requested = req.headers['mcp-protocol-version'] ?? params.protocolVersion ?? '2025-03-26'
      const error = { code: -32022, message: 'Unsupported protocol version', data: { supported: this.revisions, requested } }
      json(res, 400, JSON.stringify({ jsonrpc: '2.0', id: message.id, error }))
      return
    }
    if (tag !== undefined) this.tags.set(message.id, tag)
    if (this.diesOnHandshake && (method === 'initialize' || method === 'server/discover')) {
      req.socket.destroy()
      return
    }
    const answer = this.answerTo(message.id, this.perform(method, params, res))
    if (this.era !== 'sse') {
      json(res, 200, answer)
      return
    }
    res.writeHead(202).end()
    this.streamOf(req)?.write(`event: message\ndata: ${answer}\n\n`)
  }

  /** True where the request was refused because its session is unknown. */
  private lost(method: string, req: IncomingMessage, res: ServerResponse): boolean {
    if (this.era !== 'legacy' || method === 'initialize' || this.sessions.has(String(req.headers['mcp-session-id']))) return false
    const error = { code: -32000, message: 'Bad Request: No valid session ID provided' }
    json(res, this.lostStatus, this.lostStatus === 404 ? '' : JSON.stringify({ jsonrpc: '2.0', id: null, error }))
    return true
  }

  private answerTo(id: unknown, result: Record<string, unknown> | undefined): string {
    if (result !== undefined) return JSON.stringify({ jsonrpc: '2.0', id, result })
    return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
  }

  /** Does what is asked; undefined where the era has no such method. */
  private perform(method: string, params: Record<string, unknown>, res: ServerResponse): Record<string, unknown> | undefined {
    const modern = this.era === 'modern'
    const listed = modern ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}
    switch (method) {
      case 'initialize':
        return modern ? undefined : this.greet(params, res)
      case 'server/discover':
        if (!modern) return undefined
        this.handshakes += 1
        return { ...listed, supportedVersions: this.revisions, capabilities: { tools: {} } }
      case 'ping':
        return modern ? undefined : {}
      case 'tools/list':
        return { ...listed, tools: this.tools }
      case 'tools/call': {
        const tag = tagOf(params) ?? ''
        this.effects.set(tag, this.effectsOf(tag) + 1)
        return { ...(modern ? { resultType: 'complete' } : {}), content: [{ type: 'text', text: tag }] }
      }
      default:
        return undefined
    }
  }

  private greet(params: Record<string, unknown>, res: ServerResponse): Record<string, unknown> {
    this.handshakes += 1
    if (this.era === 'legacy' && !this.diesOnHandshake) {
      const session = randomUUID()
      this.sessions.add(session)
      res.setHeader('mcp-session-id', session)
    }
    return {
      protocolVersion: params.protocolVersion,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'l7', version: '1' },
    }
  }

  private get(req: IncomingMessage, res: ServerResponse): void {
    if (this.era === 'modern') {
      res.writeHead(405).end()
      return
    }
    if (this.era === 'sse') {
      this.openSse(res)
      return
    }
    const session = String(req.headers['mcp-session-id'])
    if (!this.sessions.has(session)) {
      json(res, this.lostStatus, '')
      return
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(': open\n\n')
    if (req.headers['last-event-id'] === undefined) this.streams.set(session, res)
    else res.end()
  }

  private openSse(res: ServerResponse): void {
    const session = randomUUID()
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(': open\n\n')
    this.streams.set(session, res)
    res.on('close', () => this.streams.delete(session))
    const endpoint = this.endpoint ?? `/message?session=${session}`
    if (endpoint !== '') res.write(`event: endpoint\ndata: ${endpoint}\n\n`)
  }

  /** The stream of an `sse` client that posted. */
  private streamOf(req: IncomingMessage): ServerResponse | undefined {
    return this.streams.get(new URL(req.url ?? '/', 'http://x').searchParams.get('session') ?? '')
  }
}

export async function startL7Server(era: L7Era): Promise<L7Server> {
  const server = new L7Server(era)
  await server.listen()
  return server
}

function json(res: ServerResponse, status: number, body: string | Buffer, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(body)
}

function tagOf(params: Record<string, unknown>): string | undefined {
  const tag = (params.arguments as Record<string, unknown> | undefined)?.tag
  return typeof tag === 'string' ? tag : undefined
}
