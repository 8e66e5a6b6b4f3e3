// A server of either era that keeps every request byte for byte. It offers what a toolset shows (`public`) and what it does not (`secret`),
// and answers everything, so that whatever reaches it counts as done.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Era = 'legacy' | 'modern'

export interface Arrived {
  readonly method: string
  /** Body as sent. */
  readonly text: string
  readonly params: Readonly<Record<string, unknown>>
  /** `Mcp-Name`, decoded where it is encoded. */
  readonly named: string | undefined
}

export interface KeepingServer {
  readonly url: string
  /** Requests that name something, in order. */
  readonly arrived: Arrived[]
  close(): Promise<void>
}

/** Methods that say nothing of an item. */
const unnamed = /^(server\/discover|initialize|notifications\/.*|.*\/list|ping|logging\/setLevel|subscriptions\/listen)$/

/** `scheme` tells the URIs of two servers apart. */
export async function startKeepingServer(era: Era, scheme: string): Promise<KeepingServer> {
  const arrived: Arrived[] = []
  const whole = era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}
  const capabilities = {
    tools: {},
    prompts: {},
    resources: { subscribe: true },
    completions: {},
    extensions: { 'io.modelcontextprotocol/skills': { directoryRead: true }, 'io.modelcontextprotocol/tasks': {} },
  }
  const both = (more: object = {}) => ['public', 'secret'].map((name) => ({ name, ...more }))
  const answers: Record<string, (params: Record<string, unknown>) => unknown> = {
    'server/discover': () => ({ ...whole, supportedVersions: ['2026-07-28'], capabilities }),
    initialize: (params) => ({ protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: 'keeps', version: '1' } }),
    'tools/list': () => ({ ...whole, tools: both({ inputSchema: { type: 'object' } }) }),
    'prompts/list': () => ({ ...whole, prompts: both() }),
    'resources/list': () => ({ ...whole, resources: ['public', 'secret'].map((name) => ({ uri: `${scheme}://x/${name}`, name })) }),
    'resources/templates/list': () => ({
      ...whole,
      resourceTemplates: ['public', 'secret'].map((name) => ({ uriTemplate: `${scheme}-t://${name}/{id}`, name })),
    }),
    'tools/call': (params) =>
      JSON.stringify(params.arguments ?? {}).includes('as a task')
        ? {
            resultType: 'task',
            taskId: 'public',
            status: 'working',
            createdAt: at,
            lastUpdatedAt: at,
            ttlMs: 60_000,
            pollIntervalMs: 60_000,
          }
        : { ...whole, content: [] },
    'prompts/get': () => ({ ...whole, messages: [] }),
    'resources/read': () => ({ ...whole, contents: [] }),
    'resources/directory/read': () => ({ ...whole, resources: [] }),
    'skills/list': () => ({ ...whole, skills: [] }),
    'skills/get': (params) => ({ ...whole, skill: { uri: params.uri } }),
    'resources/subscribe': () => ({}),
    'completion/complete': () => ({ ...whole, completion: { values: [] } }),
    'tasks/get': (params) => ({ ...whole, taskId: params.taskId, status: 'working', createdAt: at, lastUpdatedAt: at, ttlMs: 60_000 }),
    'tasks/update': () => whole,
    'tasks/cancel': () => whole,
  }
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      if (req.method !== 'POST') return void res.writeHead(405).end()
      const { id, method, params = {} } = JSON.parse(text)
      if (!unnamed.test(method)) arrived.push({ method, text, params, named: decoded(req.headers['mcp-name']) })
      if (id === undefined) return void res.writeHead(202).end()
      const answer = answers[method]
      const known =
        answer !== undefined && (method !== 'initialize' || era === 'legacy') && (method !== 'server/discover' || era === 'modern')
      const body = known ? { result: answer(params) } : { error: { code: -32601, message: 'Method not found' } }
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...body }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    arrived,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const at = '2026-07-28T00:00:00Z'

function decoded(header: string | string[] | undefined): string | undefined {
  const value = String(header ?? '')
  const found = /^=\?base64\?(.*)\?=$/.exec(value)
  if (found !== null) return Buffer.from(found[1] ?? '', 'base64').toString('utf8')
  return header === undefined ? undefined : value
}
