// Everything that a command prints for people, of a peer that puts terminal escapes wherever it has a say.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { metaKey } from '../../core/protocol/names.ts'
import { styleFor } from '../text.ts'
import { call } from './call.ts'
import { clients } from './clients.ts'
import { ls } from './ls.ts'
import { statusTable } from './status-table.ts'

const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp\u2066\u0008\rx'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const driving = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

const content = [
  { type: 'text', text: evil },
  { type: 'image', data: 'AAAA', mimeType: evil },
  { type: 'resource_link', uri: evil, name: evil },
  { type: evil, data: evil },
]

const answers: Record<string, unknown> = {
  'server/discover': {
    capabilities: { tools: {}, prompts: {}, resources: {} },
    _meta: { [metaKey.serverInfo]: { name: evil, version: evil } },
  },
  'tools/list': { tools: ['blocks', 'structure', 'bad', 'fails', evil].map((name) => ({ name, description: evil, inputSchema: {} })) },
  'prompts/list': { prompts: [{ name: evil, title: evil }] },
  'resources/list': { resources: [{ uri: evil, name: evil }] },
  'resources/templates/list': { resourceTemplates: [{ uriTemplate: evil, name: evil }] },
  blocks: { content },
  structure: { content: [], structuredContent: { [evil]: evil } },
  bad: { content, isError: true },
}

const before = [
  { method: 'notifications/progress', params: { progressToken: 1, progress: evil, total: evil, message: evil } },
  { method: 'notifications/message', params: { level: evil, data: evil } },
  { method: 'notifications/message', params: { level: 'info', data: { [evil]: evil } } },
]

let server: Server
let url = ''
let printed = ''

beforeAll(async () => {
  server = createServer((req, res) => {
    if (req.url?.startsWith('/admin/v1/clients')) {
      const client = { name: evil, version: evil, transport: evil, revision: evil, lastSeen: evil, calls: evil, owner: evil }
      res.end(JSON.stringify({ clients: [client] }))
      return
    }
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => {
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: { name?: string } }
      const result = answers[method === 'tools/call' ? String(params.name) : method]
      const answer = result === undefined ? { error: { code: 1, message: evil, data: evil } } : { result }
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const message of [...(method === 'tools/call' ? before : []), { id, ...answer }]) {
        res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
      }
      res.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
})

afterAll(() => server.close())

afterEach(() => {
  vi.restoreAllMocks()
  printed = ''
})

function capture(): void {
  const take = (text: unknown): boolean => {
    printed += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(take)
  vi.spyOn(process.stderr, 'write').mockImplementation(take)
}

describe('no escape of a peer reaches the terminal', () => {
  it.each([false, true])('by what is listed (--json: %s)', async (json) => {
    capture()
    expect(await ls({ url, json })).toBe(0)
    expect(await clients({ url, json })).toBe(0)
    expect(printed.length).toBeGreaterThan(500)
    expect(printed).not.toMatch(driving)
    expect(printed).toContain('\\u001b')
  })

  it.each(['blocks', 'structure', 'bad', 'fails', 'absent', evil])('by a call of %j', async (tool) => {
    capture()
    await call(tool, '{}', { url })
    expect(printed.length).toBeGreaterThan(30)
    expect(printed).not.toMatch(driving)
    printed = ''
    await call(tool, '{}', { url, json: true })
    expect(printed).not.toMatch(driving)
  })

  it('by what a server says while it fails to start', () => {
    const status = { name: 'a', transport: 'stdio', revision: evil, state: 'unavailable', reason: evil, tools: 0 }
    expect(statusTable([status as never], styleFor({ isTTY: false }))).not.toMatch(driving)
  })
})
