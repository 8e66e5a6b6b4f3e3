// A server whose sessions can be forgotten, as by a restart.
import { type Reply, type Script, scripted } from './scripted-http.ts'

type Unknown = Reply | 'reset' | 'hang' | Script

/** A server with sessions; `restart` forgets them all. `unknown`: what it says to a session that it does not know. */
export async function restartableServer(unknown: Unknown, own: Script = () => undefined) {
  let opened = 0
  let executed = 0
  let known = new Set<string>()
  const server = await scripted((request) => {
    const { verb, headers, body } = request
    const answer = own(request)
    if (answer !== undefined) return answer
    if (body.method === 'server/discover')
      return { status: 400, error: { code: -32600, message: 'Missing session ID' }, id: 'server-error' }
    if (body.method === 'initialize') {
      opened += 1
      known.add(`session-${opened}`)
      return {
        headers: { 'mcp-session-id': `session-${opened}` },
        result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'python', version: '1' } },
      }
    }
    if (!known.has(String(headers['mcp-session-id']))) return typeof unknown === 'function' ? unknown(request) : unknown
    if (verb === 'GET') return { status: 405 }
    if (verb === 'DELETE') return { status: 200 }
    if (body.id === undefined) return { status: 202 }
    if (body.method === 'ping') return { result: {} }
    if (body.method !== 'tools/call') return { error: { code: -32601, message: 'Method not found' } }
    executed += 1
    return { result: { content: [{ type: 'text', text: 'done' }] } }
  })
  return {
    url: server.url,
    requests: server.requests,
    stop: () => server.stop(),
    restart: () => {
      known = new Set()
    },
    counts: () => ({ opened, executed }),
  }
}
