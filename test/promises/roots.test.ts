// A session client whose roots change: the session servers behind hear it and ask again.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect } from 'vitest'
import { freePort } from '../peers/free-port.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { everything, startEverything } from '../peers/servers.ts'
import { promise } from './promise.ts'

async function follows(server: Record<string, unknown>): Promise<void> {
  const gateway = await startUnderTest({ servers: { everything: server } })
  const client = new Client({ name: 'mover', version: '1' }, { capabilities: { roots: { listChanged: true } } })
  let roots = [{ uri: 'file:///first' }]
  let asked = 0
  client.setRequestHandler(ListRootsRequestSchema, async () => {
    asked += 1
    return { roots }
  })
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.base}/mcp/everything`)) as never)
  const seen = async (): Promise<string> => JSON.stringify(await client.callTool({ name: 'get-roots-list', arguments: {} }))
  expect(await eventually(async () => (await seen()).includes('file:///first'))).toBe(true)
  roots = [{ uri: 'file:///second' }]
  // A question that meets a call of the same session may be taken for that call's and end with it: so without one in flight, and again.
  const told = async (): Promise<boolean> => {
    const before = asked
    await client.sendRootsListChanged()
    await eventually(() => asked > before, 1_000)
    return (await seen()).includes('file:///second')
  }
  expect(await eventually(told)).toBe(true)
  await client.close()
  await gateway.stop()
}

promise('R35', 'a change of roots reaches a server on stdio', () => follows(everything))

promise('R35', 'a change of roots reaches a server over Streamable HTTP', async () => {
  const port = await freePort()
  const server = await startEverything('streamableHttp', port)
  await follows({ url: `http://127.0.0.1:${port}/mcp` })
  await server.stop()
})
