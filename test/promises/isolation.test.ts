// One bad server disturbs nobody else: missing, hanging, crashing, and a definition that cannot be served.

import { afterAll, beforeAll, describe, expect } from 'vitest'
import { connect } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { upstreamsOf } from '../peers/raw.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

/** A hand-written stdio server; `calls` is the body of its tools/call, with `id` and `name`. */
function scripted(tools: unknown[], calls: string): { command: string; args: string[]; era: 'legacy' } {
  const script = `
    const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
    let rest = ''
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n'); rest = lines.pop()
      for (const line of lines) {
        const { id, method, params } = JSON.parse(line)
        if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'scripted', version: '1' } } })
        else if (method === 'tools/list') say({ id, result: { tools: ${JSON.stringify(tools)} } })
        else if (method === 'tools/call') { const name = params.name; ${calls} }
        else if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
      }
    })`
  return { command: process.execPath, args: ['-e', script], era: 'legacy' }
}

const good = (name: string) => ({ name, inputSchema: { type: 'object' } })
let gateway: UnderTest

beforeAll(async () => {
  gateway = await startUnderTest({
    servers: {
      good: everything,
      missing: { command: 'no-such-program-anywhere' },
      hanging: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], timeouts: { start: 1_500, probe: 500 } },
      crashing: scripted(
        [good('crash'), good('fine')],
        `if (name === 'crash') process.exit(9); else say({ id, result: { content: [{ type: 'text', text: 'fine' }] } })`,
      ),
      odd: scripted(
        [
          ...Array.from({ length: 19 }, (_, n) => good(`tool${n}`)),
          { name: 'bad', inputSchema: { type: 'object', properties: { a: { $ref: 'https://example.com/schema.json' } } } },
        ],
        `say({ id, result: { content: [] } })`,
      ),
    },
    timeouts: { call: 3_000 },
  })
})
afterAll(() => gateway.stop())

describe.each(['v1 http', 'v2 modern http'] as const)('%s', (kind) => {
  promise(['R100', 'R1'], 'is served the good server at once, and the missing ones are named with their reason', async () => {
    const client = await connect(kind, { base: gateway.base })
    const names = (await client.tools()).map((tool) => tool.name as string)
    expect(names).toContain('good__echo')
    expect((await client.call('good__echo', { message: 'x' })).content[0].text).toBe('Echo: x')
    await client.close()
    const told = JSON.stringify(await upstreamsOf(gateway.admin))
    expect(told).toContain('no-such-program-anywhere')
    expect(told).toContain('hanging')
    expect(told).not.toContain('"missing","state":"ready"')
  })

  promise(
    ['R77', 'R100'],
    'gets exactly one answer from a server that crashes in mid-call, and the server is back for the next',
    async () => {
      const client = await connect(kind, { base: gateway.base, mount: '/crashing' })
      const result = await client.call('crash')
      expect(result.isError).toBe(true)
      expect(JSON.stringify(result)).toContain('outcome_unknown')
      expect((await client.call('fine')).content[0].text).toBe('fine')
      await client.close()
    },
  )

  promise('R3', 'sees all of 20 tools where one schema cannot be enforced, and that one is listed with path and reason', async () => {
    const client = await connect(kind, { base: gateway.base, mount: '/odd' })
    expect((await client.tools()).length).toBe(20)
    await client.close()
    expect(JSON.stringify(await upstreamsOf(gateway.admin))).toContain('bad')
  })
})
