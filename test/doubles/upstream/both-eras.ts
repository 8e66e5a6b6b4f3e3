// A server of both eras, over HTTP and as a child: each call says in which era it was served. What it lists in each, and whether it has
// sessions, is the test's to say.
import { type Reply, type Script, scripted } from './scripted-http.ts'

export interface Definition {
  readonly name: string
  readonly [member: string]: unknown
}

export interface BothEras {
  modern: readonly Definition[]
  /** 'refused': it takes no `initialize`. */
  session: readonly Definition[] | 'refused' | 'fails'
  /** Without: it gives no session id. */
  sessions: boolean
}

const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const serverInfo = { name: 'both', version: '1' }

/** `server` may be changed while it runs. */
export function bothEras(server: BothEras): ReturnType<typeof scripted> {
  let opened = 0
  const modern = (body: Parameters<Script>[0]['body']): Reply => {
    if (body.method === 'server/discover')
      return { result: { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {}, resources: { subscribe: true } } } }
    if (body.method === 'tools/list') return { result: { ...complete, tools: server.modern } }
    if (body.method === 'tools/call') return { result: { resultType: 'complete', content: [{ type: 'text', text: 'modern' }] } }
    return { status: 404, error: { code: -32601, message: 'Method not found' } }
  }
  return scripted(({ verb, headers, body }) => {
    if (verb === 'DELETE') return { status: 200 }
    if (verb !== 'POST') return { status: 405 }
    if (headers['mcp-protocol-version'] === '2026-07-28') return modern(body)
    if (body.id === undefined) return { status: 202 }
    if (body.method === 'initialize') {
      if (server.session === 'refused') return { status: 400, error: { code: -32022, message: 'No', data: { supported: ['2026-07-28'] } } }
      opened += 1
      const capabilities = { tools: {}, resources: { subscribe: true } }
      return {
        ...(server.sessions ? { headers: { 'mcp-session-id': `s${opened}` } } : {}),
        result: { protocolVersion: '2025-11-25', capabilities, serverInfo },
      }
    }
    if (body.method === 'tools/list') return Array.isArray(server.session) ? { result: { tools: server.session } } : { status: 500 }
    if (body.method === 'tools/call') return { result: { content: [{ type: 'text', text: 'session' }] } }
    return { result: {} }
  })
}

/** The same as a child: `where` says the era and the process; `ask` asks its client, which it can in sessions alone; `later` is a tool of sessions. */
export const bothErasChild = {
  command: process.execPath,
  args: [
    '-e',
    `
const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
const text = (id, t, isError = false) => say({ id, result: { resultType: 'complete', content: [{ type: 'text', text: t }], isError } })
let rest = ''
let asking
process.stdin.on('data', (chunk) => {
  rest += chunk
  for (let end; (end = rest.indexOf('\\n')) >= 0; rest = rest.slice(end + 1)) take(JSON.parse(rest.slice(0, end)))
})
function take({ id, method, params, result, error }) {
  const modern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] === '2026-07-28'
  const more = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
  const tool = (name) => ({ name, inputSchema: { type: 'object' } })
  if (method === undefined) return text(asking, JSON.stringify(result ?? error))
  if (id === undefined) return
  if (method === 'server/discover') say({ id, result: { ...more, supportedVersions: ['2026-07-28', '2025-11-25'], capabilities: { tools: {} } } })
  else if (method === 'initialize') say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'both', version: '1' } } })
  else if (method === 'tools/list') say({ id, result: { ...more, tools: ['where', 'ask', ...(modern ? [] : ['later'])].map(tool) } })
  else if (method !== 'tools/call') say({ id, result: {} })
  else if (params.name !== 'ask') text(id, (modern ? 'modern ' : 'session ') + process.pid)
  else if (modern) text(id, 'nobody can be asked here', true)
  else {
    asking = id
    say({ id: 'q', method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } } })
  }
}`,
  ],
}
