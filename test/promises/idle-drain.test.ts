// A gateway that is told to go and has nothing left to do goes: what only waits (an idle connection, an open stream) holds it up by
// nothing that grows with the grace that calls have.
import { Agent } from 'node:http'
import { describe, expect } from 'vitest'
import { startProcess } from '../peers/process.ts'
import { modern, openSession, send } from '../peers/raw.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

/** Far beyond the time-out of a test: it ends only if nobody waits for it. */
const graceMs = 3_600_000

describe('SIGTERM with idle clients', () => {
  promise('R45', 'ends the gateway at once, whether they hold a connection, a session, or streams of any era', async () => {
    const gateway = await startProcess({ servers: { everything }, drain: { graceMs } })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const session = await openSession(gateway.base)
    await send(`${gateway.base}/livez`, 'GET', undefined, { agent })
    let opened = 0
    const open = (path: string, headers: Record<string, string>) =>
      send(`${gateway.base}${path}`, 'GET', undefined, {
        headers: { ...headers, accept: 'text/event-stream' },
        onText: () => {
          opened += 1
        },
      })
    const streams = [open('/mcp', session), open('/sse', {})]
    streams.push(
      modern(gateway.base, 'subscriptions/listen', { notifications: { toolsListChanged: true } }, { onText: () => (opened += 1) }),
    )
    await expect.poll(() => opened).toBeGreaterThanOrEqual(3)
    expect(await gateway.end('SIGTERM')).toBe(0)
    await Promise.allSettled(streams)
    agent.destroy()
  })
})
