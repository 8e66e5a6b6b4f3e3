// Servers on stdio die, hang and are left behind in real life. Here they are killed fifty times, abandoned two hundred times, and the
// gateway itself is killed: every call gets exactly one answer, and no process is left.
import { randomUUID } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { describe, expect } from 'vitest'
import { connect } from '../peers/clients.ts'
import { startProcess } from '../peers/process.ts'
import { eventually, marked } from '../peers/processes.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

const marks = (): { mark: string; env: Record<string, string> } => {
  const mark = randomUUID()
  return { mark, env: { SIGNALBOX_TEST_MARK: mark } }
}

describe('processes behind the gateway', () => {
  promise(
    ['R77', 'R33'],
    'a child killed 50 times: every call gets exactly one answer, and nothing is left at the end',
    async () => {
      const { mark, env } = marks()
      const gateway = await startProcess({ servers: { everything: { ...everything, env } } })
      const client = await connect('v2 modern http', { base: gateway.base, mount: '/everything' })
      let answered = 0
      for (let n = 0; n < 50; n += 1) {
        const calls = [client.call('echo', { message: `${n}` }), client.call('get-sum', { a: n, b: 1 })]
        for (const pid of marked(mark)) process.kill(pid, 'SIGKILL')
        for (const result of await Promise.allSettled(calls))
          if (result.status === 'fulfilled' ? result.value.content.length === 1 : result.reason) answered += 1
      }
      expect(answered).toBe(100)
      expect(await eventually(async () => (await client.call('echo', { message: 'back' })).content[0].text === 'Echo: back', 40_000)).toBe(
        true,
      )
      expect(marked(mark).length).toBe(1)
      await client.close()
      expect(await gateway.end('SIGTERM')).toBe(0)
      expect(await eventually(() => marked(mark).length === 0)).toBe(true)
    },
    120_000,
  )

  promise(
    ['R77', 'R33'],
    '200 abrupt disconnects in mid-call leave no call, no process and a working gateway',
    async () => {
      const { mark, env } = marks()
      const gateway = await startProcess({ servers: { everything: { ...everything, env } } })
      const port = Number(new URL(gateway.base).port)
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'trigger-long-running-operation',
          arguments: { duration: 30, steps: 3 },
          _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
        },
      })
      const request = `POST /mcp/everything HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: trigger-long-running-operation\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
      for (let n = 0; n < 200; n += 1) {
        await new Promise<void>((resolve) => {
          const socket = connectSocket(port, '127.0.0.1', () =>
            socket.write(request, () => setTimeout(() => socket.resetAndDestroy(), n % 20)),
          )
          socket.on('error', () => undefined)
          socket.on('close', () => resolve())
        })
      }
      const inFlight = async (): Promise<number> =>
        Number(
          /signalbox_upstream_in_flight\{upstream="everything"\} (\d+)/.exec(await (await fetch(`${gateway.admin}/metrics`)).text())?.[1] ??
            Number.NaN,
        )
      expect(await eventually(async () => (await inFlight()) === 0)).toBe(true)
      const client = await connect('v1 http', { base: gateway.base, mount: '/everything' })
      expect((await client.call('echo', { message: 'alive' })).content[0].text).toBe('Echo: alive')
      await client.close()
      expect(marked(mark).length).toBe(1)
      await gateway.end('SIGTERM')
      expect(await eventually(() => marked(mark).length === 0)).toBe(true)
    },
    60_000,
  )

  promise(
    ['R33', 'R45'],
    'kill -9 of the gateway leaves no process, also behind a launcher',
    async () => {
      const { mark, env } = marks()
      const launcher = { command: 'sh', args: ['-c', `"${everything.command}" "${everything.args[0]}" stdio; true`], env }
      const gateway = await startProcess({ servers: { everything: { ...everything, env }, launched: launcher } })
      expect(await eventually(async () => (await gateway.upstreams()).every((upstream) => upstream.state === 'ready'), 20_000)).toBe(true)
      expect(marked(mark).length).toBeGreaterThanOrEqual(3)
      await gateway.end('SIGKILL')
      expect(await eventually(() => marked(mark).length === 0)).toBe(true)
    },
    60_000,
  )

  promise('R33', 'the environment of a child is the allow-list and what the configuration gives it', async () => {
    const gateway = await startProcess(
      { servers: { everything: { ...everything, env: { GIVEN: 'yes' } } } },
      { GATEWAY_SECRET_TOKEN: 'canary-env-value' },
    )
    const client = await connect('v2 modern http', { base: gateway.base, mount: '/everything' })
    const env = JSON.parse((await client.call('get-env')).content[0].text)
    expect(env.GIVEN).toBe('yes')
    expect(env.PATH).toBeDefined()
    expect(env.GATEWAY_SECRET_TOKEN).toBeUndefined()
    expect(Object.keys(env).length).toBeLessThan(16)
    await client.close()
    await gateway.end('SIGTERM')
  })
})
