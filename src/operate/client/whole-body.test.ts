import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { ClientProblem, GatewayClient } from './client.ts'
import { wholeBody } from './whole-body.ts'

async function* chunks(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i += 1) yield Buffer.from('x')
}

it('reads a body that comes byte by byte, and no more of it than is wanted', async () => {
  expect(Buffer.from((await wholeBody(chunks(9), 9)) ?? []).toString()).toBe('xxxxxxxxx')
  expect(await wholeBody(chunks(10), 9)).toBeUndefined()
})

it.each(['application/json', 'text/event-stream'])('the command line does not gather an endless answer (%s)', async (type) => {
  const block = Buffer.alloc(1_048_576, 0x20)
  const server = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': type })
    const more = (): void => {
      while (!res.destroyed && res.write(block));
    }
    res.on('drain', more)
    res.on('error', () => {})
    more()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const asked = new GatewayClient(`http://127.0.0.1:${port}/mcp`).ask('tools/list')
    await expect(asked).rejects.toThrow(/larger than 67108864 bytes/)
    await expect(asked).rejects.toBeInstanceOf(ClientProblem)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
