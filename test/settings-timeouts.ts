// What each time limit changes, in its gateway-wide place and as an override of one server.

import { createServer } from 'node:net'
import { expect } from 'vitest'
import { startBlackHole } from '../src/operate/toolkit/chaos/index.ts'
import { eventually } from './peers/processes.ts'
import { modern } from './peers/raw.ts'
import { call, faultOf, gateway, mount, open, pair, type Row, silent, stateOf } from './settings-rig.ts'

/** Runs with the key in its gateway-wide place and as an override of one server. */
const limitsAt = (place: 'global' | 'server', limits: Record<string, number>) =>
  place === 'global' ? { config: { timeouts: limits }, own: {} } : { config: {}, own: { timeouts: limits } }

export function timeoutRows(place: 'global' | 'server'): Record<string, Row> {
  const prefix = place === 'global' ? 'timeouts' : 'servers.NAME.timeouts'
  return {
    [`${prefix}.call`]: async () => {
      const { config, own } = limitsAt(place, { call: 200, connect: 200 })
      const { base } = await pair(config, { call: () => undefined }, own)
      expect(faultOf(await call(base))).toMatchObject({ kind: 'upstream_timeout', detail: { afterMs: expect.any(Number) } })
    },
    [`${prefix}.maximum`]: async () => {
      const { config, own } = limitsAt(place, { call: 400, maximum: 900 })
      const timers: NodeJS.Timeout[] = []
      const { base } = await pair(
        config,
        {
          call: ({ params, res }) => {
            res.writeHead(200, { 'content-type': 'text/event-stream' })
            let progress = 0
            const { progressToken } = params._meta
            const step = (): void => {
              progress += 1
              res.write(
                `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } })}\n\n`,
              )
            }
            timers.push(setInterval(step, 100))
          },
        },
        own,
      )
      const began = performance.now()
      const answer = await modern(base, 'tools/call', { name: 'echo', arguments: {}, _meta: { progressToken: 1 } }, { mount })
      for (const timer of timers) clearInterval(timer)
      expect(faultOf(answer).kind).toBe('upstream_timeout')
      // Progress carried it over `call`, and `maximum` ended it.
      expect(performance.now() - began).toBeGreaterThan(850)
    },
    [`${prefix}.connect`]: async () => {
      const { config, own } = limitsAt(place, { connect: 300 })
      const { port, stop } = await startBlackHole()
      open.push(stop)
      const running = await gateway({ ...config, servers: { up: { url: `http://127.0.0.1:${port}/mcp`, ...own } } })
      expect((await stateOf(running.admin))?.reason).toContain('300 ms')
    },
    [`${prefix}.start`]: async () => {
      const { config, own } = limitsAt(place, { start: 300, probe: 200, connect: 200 })
      const began = performance.now()
      const running = await gateway({ ...config, servers: { up: { ...silent, ...own } } })
      // Far below the standard of 30 s.
      expect(performance.now() - began).toBeLessThan(20_000)
      expect((await stateOf(running.admin))?.state).toBe('unavailable')
    },
    [`${prefix}.probe`]: async () => {
      const { config, own } = limitsAt(place, { probe: 300, connect: 300, start: 1_000 })
      let said = ''
      const deaf = createServer((socket) => {
        socket
          .on('error', () => undefined)
          .on('data', (chunk) => {
            said += chunk
          })
      })
      await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
      open.push(() => new Promise((resolve) => deaf.close(() => resolve())))
      const address = deaf.address()
      const port = typeof address === 'object' ? address?.port : 0
      await gateway({ ...config, servers: { up: { url: `http://127.0.0.1:${port}/mcp`, ...own } } })
      // What is not answered is followed by `initialize`: by the standard of 4 s after that, here before.
      expect(await eventually(() => said.includes('"initialize"'), 3_500)).toBe(true)
      // Where this machine was too slow to send it in time it is asked the next time.
      expect(await eventually(() => said.includes('server/discover'), 20_000)).toBe(true)
    },
  }
}
