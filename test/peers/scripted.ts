// A hand-written HTTP server that speaks just enough MCP to misbehave on purpose: it knows no session apart, keeps what it was sent,
// and lets a test decide what becomes of each tools/call.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Result } from './clients.ts'

export interface Seen {
  readonly verb: string
  readonly headers: IncomingHttpHeaders
  readonly method: string | undefined
  readonly params: Result
}

export interface CallArrived {
  readonly id: string | number
  readonly name: string
  readonly params: Result
  readonly res: ServerResponse
  /** Answers with this result. */
  answer(result: unknown): void
  fail(code: number, message: string, data?: unknown): void
}

export interface Scripted {
  readonly url: string
  readonly port: number
  /** Every request, in order. */
  readonly seen: Seen[]
  /** Requests of one method. */
  count(method: string): number
  close(): Promise<void>
}

export interface Script {
  readonly era?: 'legacy' | 'modern'
  /** A function: what a list shows to who asks so. */
  readonly tools?: readonly unknown[] | ((headers: IncomingHttpHeaders) => readonly unknown[])
  readonly resources?: readonly unknown[]
  /** URI templates, where it has resources. */
  readonly templates?: readonly unknown[]
  readonly prompts?: readonly unknown[]
  /** Revision that a legacy server answers; else the one it was asked for. */
  readonly revision?: string
  /** Session id that a legacy server gives; else it has no sessions. */
  readonly session?: string
  /** The text of a resource; undefined where there is none of this URI. Else all are there. */
  readonly read?: (uri: string) => string | undefined
  readonly call?: (arrived: CallArrived) => void
  /** Results of further methods. */
  readonly methods?: Readonly<Record<string, (params: Result) => Record<string, unknown>>>
  /** Status and challenge of a request that is refused; asked for each POST. */
  readonly refuse?: (
    headers: IncomingHttpHeaders,
    params: Result,
    method: string | undefined,
  ) => { readonly status: number; readonly challenge: string } | undefined
}

export const plainTool = (name: string, more: Record<string, unknown> = {}) => ({ name, inputSchema: { type: 'object' }, ...more })
export const textResult = (text: string) => ({ content: [{ type: 'text', text }] })

export async function startScripted(script: Script = {}): Promise<Scripted> {
  const { era = 'legacy', tools = [plainTool('echo')], resources = [], templates = [], prompts = [] } = script
  const seen: Seen[] = []
  const whole = era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}
  const capabilities = {
    tools: {},
    ...(prompts.length === 0 ? {} : { prompts: {} }),
    ...(resources.length === 0 && script.read === undefined ? {} : { resources: { subscribe: script.read !== undefined } }),
  }
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { id, method, params } = text === '' ? ({} as Result) : JSON.parse(text)
      seen.push({ verb: req.method ?? '', headers: req.headers, method, params })
      if (req.method !== 'POST') return void res.writeHead(405).end()
      const refused = script.refuse?.(req.headers, params, method)
      if (refused !== undefined) return void res.writeHead(refused.status, { 'www-authenticate': refused.challenge }).end()
      if (id === undefined) return void res.writeHead(202).end()
      const say = (body: Record<string, unknown>): void =>
        void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...body }))
      const answer = (result: unknown): void => say({ result })
      if (method === 'server/discover' && era === 'modern') return answer({ ...whole, supportedVersions: ['2026-07-28'], capabilities })
      if (method === 'initialize' && era === 'legacy') {
        if (script.session !== undefined) res.setHeader('mcp-session-id', script.session)
        return answer({
          protocolVersion: script.revision ?? params.protocolVersion,
          capabilities,
          serverInfo: { name: 'scripted', version: '1' },
        })
      }
      if (method === 'tools/list') return answer({ ...whole, tools: typeof tools === 'function' ? tools(req.headers) : tools })
      if (method === 'resources/list') return answer({ ...whole, resources })
      if (method === 'resources/templates/list') return answer({ ...whole, resourceTemplates: templates })
      if (method === 'prompts/list') return answer({ ...whole, prompts })
      if (method === 'prompts/get') return answer({ ...whole, messages: [] })
      if (method === 'resources/subscribe' && script.read !== undefined) return answer({})
      if (method === 'resources/read') {
        const read = script.read === undefined ? `read from port ${port}` : script.read(params.uri)
        if (read === undefined) return say({ error: { code: era === 'modern' ? -32602 : -32002, message: 'Resource not found' } })
        return answer({ ...whole, contents: [{ uri: params.uri, text: read }] })
      }
      if (method === 'tools/call') {
        const arrived: CallArrived = {
          id,
          name: params.name,
          params,
          res,
          answer: (result) => answer({ ...whole, ...(result as object) }),
          fail: (code, message, data) => say({ error: { code, message, data } }),
        }
        return script.call === undefined ? arrived.answer(textResult(`${params.name} was called`)) : script.call(arrived)
      }
      const other = script.methods?.[method]
      if (other !== undefined) return answer({ ...whole, ...other(params) })
      say({ error: { code: -32601, message: 'Method not found' } })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    seen,
    count: (method) => seen.filter((one) => one.method === method).length,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A stdio server of one file: `calls` is the body of its tools/call, with `id`, `name`, `args` and `say`. */
export function scriptedStdio(tools: readonly unknown[], calls: string): { command: string; args: string[]; era: 'legacy' } {
  const script = `
    const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
    let rest = ''
    process.stdin.on('end', () => process.exit(0))
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n'); rest = lines.pop()
      for (const line of lines) {
        const { id, method, params } = JSON.parse(line)
        if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'scripted', version: '1' } } })
        else if (method === 'tools/list') say({ id, result: { tools: ${JSON.stringify(tools)} } })
        else if (method === 'tools/call') { const name = params.name; const args = params.arguments ?? {}; ${calls} }
        else if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
      }
    })`
  return { command: process.execPath, args: ['-e', script], era: 'legacy' }
}
