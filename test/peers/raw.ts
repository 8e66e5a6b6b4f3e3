// Requests to the gateway as bytes on the wire, for tests that look at statuses, headers and streams, which real clients hide.
import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { Result } from './clients.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The JSON-RPC message with an id, from a JSON body or from the last event of a stream. */
  readonly message: Result
}

export interface Asking {
  readonly mount?: string
  readonly headers?: Record<string, string>
  /** Absent: a connection of its own. */
  readonly agent?: Agent
  readonly capabilities?: Record<string, unknown>
  readonly signal?: AbortSignal
  /** Hears the body as it comes. */
  readonly onText?: (text: string) => void
}

/** Sends one HTTP request. Rejects where the connection fails, with the `code` of the failure. */
export function send(url: string, verb: string, body: string | undefined, asking: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(
      url,
      {
        method: verb,
        agent: asking.agent ?? false,
        ...(asking.signal === undefined ? {} : { signal: asking.signal }),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
          accept: 'application/json, text/event-stream',
          ...asking.headers,
        },
      },
      (res) => {
        let text = ''
        res.setEncoding('utf8')
        res.on('data', (chunk: string) => {
          text += chunk
          asking.onText?.(chunk)
        })
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text, message: messageIn(text) }))
        res.on('error', reject)
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

let ids = 0

/** A request of MCP 2026-07-28. */
export function modern(base: string, method: string, params: Record<string, unknown> = {}, asking: Asking = {}): Promise<Answer> {
  ids += 1
  const { _meta, ...rest } = params
  const whole = {
    ...rest,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': asking.capabilities ?? {},
      ...(_meta as object | undefined),
    },
  }
  const name = params.name ?? params.uri ?? params.taskId
  const headers = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    ...asking.headers,
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: ids, method, params: whole })
  return send(`${base}/mcp${asking.mount ?? ''}`, 'POST', body, { ...asking, headers })
}

export type Session = Record<string, string>

/** Opens a session of 2025-11-25; gives the headers of its further requests. */
export async function openSession(base: string, asking: Asking = {}): Promise<Session> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: asking.capabilities ?? {},
    clientInfo: { name: 'raw', version: '1' },
  }
  const answer = await post(base, 'initialize', params, asking)
  if (answer.status !== 200) throw new Error(`initialize: ${answer.status} ${answer.text}`)
  const session = { 'mcp-session-id': String(answer.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await send(`${base}/mcp${asking.mount ?? ''}`, 'POST', body, { ...asking, headers: session })
  return session
}

/** A request within a session. */
export function legacy(
  base: string,
  session: Session,
  method: string,
  params: Record<string, unknown> = {},
  asking: Asking = {},
): Promise<Answer> {
  return post(base, method, params, { ...asking, headers: { ...session, ...asking.headers } })
}

function post(base: string, method: string, params: Record<string, unknown>, asking: Asking): Promise<Answer> {
  ids += 1
  const body = JSON.stringify({ jsonrpc: '2.0', id: ids, method, params })
  return send(`${base}/mcp${asking.mount ?? ''}`, 'POST', body, asking)
}

function messageIn(text: string): Result {
  const candidates = text.startsWith('{') ? [text] : [...text.matchAll(/^data: ?(.+)$/gm)].map((found) => found[1] ?? '')
  for (const candidate of candidates.reverse()) {
    try {
      const message = JSON.parse(candidate)
      if (message.id !== undefined) return message
    } catch {
      // Not a message: a body of a health page, or an event of another kind.
    }
  }
  return undefined
}

export interface UpstreamTold {
  readonly name: string
  readonly state: string
  readonly reason?: string
  readonly collisions?: readonly unknown[]
  readonly unmatchedSelectors?: readonly unknown[]
}

/** What the admin door tells of each server. */
export async function upstreamsOf(admin: string): Promise<UpstreamTold[]> {
  return JSON.parse((await send(`${admin}/admin/v1/upstreams?limit=1000`, 'GET', undefined)).text).upstreams
}

/** Values of one metric of the admin door, by its labels as they stand in the exposition; '' for none. */
export async function metric(admin: string, name: string): Promise<Map<string, number>> {
  const { text } = await send(`${admin}/metrics`, 'GET', undefined)
  const found = new Map<string, number>()
  for (const [, labels, value] of text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))) found.set(labels ?? '', Number(value))
  return found
}
