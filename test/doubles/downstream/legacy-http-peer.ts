// Session-era clients at the door over HTTP, for tests: gateways and SDK clients that are closed after the test, sessions opened by hand,
// and streams read event by event.
import type { ServerResponse } from 'node:http'
import { afterEach } from 'vitest'
import { send } from './http-peer.ts'
import type { Imitation } from './imitation.ts'
import { connect, type Rig, type RigChange, rig } from './legacy-rig.ts'

/** What is started through it is closed after the test, the last first. */
export function closedAfterEach(over: 'http' | 'sse' = 'http') {
  const open: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close()
  })
  return {
    open,
    start: async (gateway: Imitation, change: RigChange = {}): Promise<Rig> => {
      const at = await rig(gateway, change)
      open.push(at)
      return at
    },
    client: async (at: Rig, options: Parameters<typeof connect>[1] = {}) => {
      const connected = await connect(at, { over, ...options })
      open.push(connected.client)
      return connected
    },
  }
}

export const init = (revision: string, capabilities = {}): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: revision, capabilities, clientInfo: { name: 'raw', version: '0' } },
  })

/** Opens a session by hand; resolves to the headers of its requests. */
export async function session(at: Rig, revision = '2025-11-25', authorization = 'alice', path = '/mcp'): Promise<Record<string, string>> {
  const answer = await send(at.port, { path, headers: { authorization }, body: init(revision) })
  return { authorization, 'mcp-session-id': String(answer.headers['mcp-session-id']), 'mcp-protocol-version': revision }
}

export const request = (method: string, params: unknown = {}, id: unknown = 1): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })

/** The responses that the door has not ended. */
export function openResponses(at: Rig): ServerResponse[] {
  const { openRequests } = at.door as unknown as { openRequests: Iterable<{ res: ServerResponse }> }
  return [...openRequests].map(({ res }) => res)
}

export interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly result?: unknown
  readonly error?: unknown
  readonly params?: Record<string, unknown>
}

/** Reads a stream event by event. */
export function events(at: Rig, headers: Record<string, string>, body?: string, extra: Record<string, string> = {}) {
  const seen: Message[] = []
  const ids: string[] = []
  const raw: string[] = []
  let wake = (): void => {}
  const stop = new AbortController()
  let status = 0
  const ended = (async () => {
    const response = await fetch(`${at.origin}/mcp`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers, ...extra },
      ...(body === undefined ? {} : { body }),
      signal: stop.signal,
    })
    status = response.status
    wake()
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      raw.push(decoder.decode(chunk as Uint8Array))
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const id = /^id: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.+)$/m.exec(block)?.[1]
        if (id !== undefined) ids.push(id)
        if (data !== undefined) seen.push(JSON.parse(data) as Message)
        wake()
      }
    }
  })().catch(() => {})
  return {
    seen,
    ids,
    raw,
    ended,
    status: () => status,
    stop: () => stop.abort(),
    next: async (wanted: (message: Message) => boolean): Promise<Message> => {
      for (;;) {
        const found = seen.find(wanted)
        if (found !== undefined) return found
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
