// A plain HTTP peer for tests of doors: a listening door with a stub legacy half, and requests whose every header is chosen by the test.
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { metaKey, modernRevision } from '../../../src/core/protocol/names.ts'
import type { Readiness } from '../../../src/downstream/admin/health.ts'
import type { Arrived, DoorContext } from '../../../src/downstream/door.ts'
import { createHttpDoor, type HttpDoor, type HttpDoorParts } from '../../../src/downstream/http/server.ts'

export interface OpenDoor {
  readonly door: HttpDoor
  readonly port: number
  readonly url: string
  /** What went to the legacy door: verb and, for posts, the method or kind of message. */
  readonly legacy: string[]
  readiness: Readiness
}

export async function openDoor(context: DoorContext, parts: Partial<HttpDoorParts> = {}): Promise<OpenDoor> {
  const legacy: string[] = []
  const took = (what: string, arrived: Arrived): Promise<void> => {
    legacy.push(what)
    arrived.res.writeHead(299, { 'content-length': 0 }).end()
    return Promise.resolve()
  }
  const open = {
    legacy,
    readiness: { serving: true, draining: false } as Readiness,
  }
  const door = createHttpDoor(context, {
    legacy: {
      post: (arrived) => took('POST', arrived),
      get: (arrived) => took('GET', arrived),
      delete: (arrived) => took('DELETE', arrived),
      sessions: () => 7,
    },
    ready: () => open.readiness,
    listenHost: '127.0.0.1',
    ...parts,
  })
  const { port } = await door.listen({ host: '127.0.0.1', port: 0 })
  return Object.assign(open, { door, port, url: `http://127.0.0.1:${port}/mcp` })
}

export interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: unknown
}

export interface Sending {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Uint8Array
}

/** Sends one request and reads the whole answer. A header of undefined is left out. */
export function send(port: number, sending: Sending): Promise<Response> {
  return new Promise((resolve, reject) => {
    const req = open(port, sending)
    req.on('error', reject)
    req.on('response', (res: IncomingMessage) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = res.headers['content-type'] === 'application/json'
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: isJson && text !== '' ? JSON.parse(text) : undefined })
      })
    })
    req.end(sending.body)
  })
}

/** A request whose body is still to be written and whose answer is still to be read. */
export function open(port: number, sending: Sending) {
  const headers: Record<string, string> = {}
  const base = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
  for (const [name, value] of Object.entries({ ...base, ...sending.headers })) if (value !== undefined) headers[name] = value
  return request({ host: '127.0.0.1', port, path: sending.path ?? '/mcp', method: sending.method ?? 'POST', headers, agent: false })
}

/** A modern request as text, envelope included. */
export function modernBody(
  method: string,
  params: Record<string, unknown> = {},
  meta: Record<string, unknown> = {},
  id: unknown = 1,
): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...envelope, ...meta } } })
}

export const envelope = {
  [metaKey.protocolVersion]: modernRevision,
  [metaKey.clientInfo]: { name: 'peer', version: '0' },
  [metaKey.clientCapabilities]: {},
}

/** The headers that go with it. */
export function modernHeaders(method: string, name?: string): Record<string, string> {
  return {
    'mcp-protocol-version': modernRevision,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': name }),
  }
}

export interface Event {
  readonly method?: string
  readonly id?: unknown
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
}

/** The messages of an event stream; comments are left out. */
export function eventsOf(text: string): Event[] {
  return text
    .split('\n\n')
    .map((block) => block.split('\n').find((line) => line.startsWith('data: ')))
    .filter((line) => line !== undefined)
    .map((line) => JSON.parse(line.slice(6)) as Event)
}
