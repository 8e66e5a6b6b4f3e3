// A client of either era that hides nothing: it counts every answer that comes for each of its ids, whatever the SDKs would make of them.
import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'

export type RawEra = 'modern' | 'legacy'

/** JSON that tests look into. */
export type Json = ReturnType<typeof JSON.parse>

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Answers to our id; more or less than one is a broken promise. */
  readonly answers: readonly Json[]
  /** Notifications, in order. */
  readonly events: readonly Json[]
  /** Everything else. */
  readonly strange: readonly Json[]
}

/** What a fault looks like to an agent. */
export interface SeenFault {
  readonly kind: string
  readonly category: string
  readonly retryable: boolean
  readonly retry_after_ms?: number
  readonly side_effect: string
  readonly correlation_id: string
  readonly tell_user: string
  readonly detail?: Json
}

const faultKey = 'signalbox.dev/fault'

/** The fault in an answer, be it a tool result or a JSON-RPC error. */
export function faultOf(answer: RawAnswer): SeenFault | undefined {
  const [message] = answer.answers
  return message?.result?._meta?.[faultKey] ?? message?.error?.data?.[faultKey]
}

/** The text of the first content block. */
export function textOf(answer: RawAnswer): string | undefined {
  return answer.answers[0]?.result?.content?.[0]?.text
}

export interface CallOptions {
  readonly id?: number | string
  readonly progressToken?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Gets the request once it was sent, to do harm to it. */
  readonly sent?: (request: ClientRequest) => void
}

export class RawClient {
  readonly era: RawEra
  private readonly url: string
  private readonly extra: Readonly<Record<string, string>>
  session: string | undefined
  private lastId = 0

  constructor(era: RawEra, url: string, extra: Readonly<Record<string, string>> = {}) {
    this.era = era
    this.url = url
    this.extra = extra
  }

  /** Shakes hands where the era has that. */
  async connect(): Promise<this> {
    if (this.era === 'modern') return this
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const answer = await this.post({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params }, {}, 'hello')
    const session = answer.headers['mcp-session-id']
    if (typeof session !== 'string') throw new Error(`no session: ${answer.status} ${answer.text}`)
    this.session = session
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, {}, undefined)
    return this
  }

  call(name: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<RawAnswer> {
    return this.ask('tools/call', { name, arguments: args }, { ...options, headers: { 'mcp-name': name, ...options.headers } })
  }

  ask(method: string, params: Record<string, unknown>, options: CallOptions = {}): Promise<RawAnswer> {
    this.lastId += 1
    const id = options.id ?? this.lastId
    const token = options.progressToken === undefined ? {} : { progressToken: options.progressToken }
    const claim =
      this.era === 'modern'
        ? { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
        : {}
    const meta = { ...(params._meta as object | undefined), ...token, ...claim }
    const whole = Object.keys(meta).length === 0 ? params : { ...params, _meta: meta }
    const headers = { ...(this.era === 'modern' ? { 'mcp-method': method } : {}), ...options.headers }
    return this.post({ jsonrpc: '2.0', id, method, params: whole }, headers, id, options.sent)
  }

  async close(): Promise<void> {
    if (this.session === undefined) return
    await send(this.url, 'DELETE', { ...this.extra, 'mcp-session-id': this.session }, undefined)
  }

  private async post(
    message: unknown,
    headers: Readonly<Record<string, string>>,
    id: unknown,
    sent?: (request: ClientRequest) => void,
  ): Promise<RawAnswer> {
    const own: Record<string, string> = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': this.era === 'modern' ? '2026-07-28' : '2025-06-18',
      ...(this.session === undefined ? {} : { 'mcp-session-id': this.session }),
      ...this.extra,
      ...headers,
    }
    if (this.era === 'legacy') delete own['mcp-name']
    const reply = await send(this.url, 'POST', own, Buffer.from(JSON.stringify(message)), sent)
    return { ...reply, ...sort(messagesIn(reply), id) }
  }
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** One request on a connection of its own. A connection that breaks gives status 0. */
function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer | undefined,
  sent?: (request: ClientRequest) => void,
): Promise<Reply> {
  return new Promise((resolve) => {
    const req = request(url, { method, headers: { ...headers, connection: 'close' }, agent: false }, (res) => {
      const chunks: Buffer[] = []
      const done = (): void => resolve({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString('utf8') })
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', done)
      res.on('error', done)
    })
    req.on('error', (error) => resolve({ status: 0, headers: {}, text: String(error) }))
    req.end(body, () => sent?.(req))
  })
}

function messagesIn({ headers, text }: Reply): Json[] {
  const type = String(headers['content-type'] ?? '')
  if (type.includes('application/json')) return text === '' ? [] : [JSON.parse(text)]
  if (!type.includes('text/event-stream')) return []
  return text
    .split('\n\n')
    .map((block) => block.split('\n').filter((line) => line.startsWith('data:')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice(5).trimStart()).join('\n'))
    .filter((data) => data !== '')
    .map((data) => JSON.parse(data))
}

function sort(messages: readonly Json[], id: unknown): Pick<RawAnswer, 'answers' | 'events' | 'strange'> {
  const isAnswer = (message: Json): boolean => message?.id === id && (message.result !== undefined || message.error !== undefined)
  const isEvent = (message: Json): boolean => message?.method !== undefined && message.id === undefined
  return {
    answers: messages.filter(isAnswer),
    events: messages.filter(isEvent),
    strange: messages.filter((message) => !isAnswer(message) && !isEvent(message)),
  }
}
