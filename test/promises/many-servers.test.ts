// Two hundred servers on one origin, listened to: nothing in the process is made to hold a listener for each of them.
import { describe, expect } from 'vitest'
import { modernServer, scripted } from '../doubles/upstream/scripted-http.ts'
import { startProcess } from '../peers/process.ts'
import { promise } from './promise.ts'

describe('two hundred servers', () => {
  promise(
    'R67',
    'are served without a warning of the runtime',
    async () => {
      const server = await scripted(modernServer(({ body }) => (body.method === 'subscriptions/listen' ? 'hang' : undefined)))
      const servers = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`s${i}`, { url: server.url }]))
      const gateway = await startProcess({ servers })
      const upstreams = await gateway.upstreams()
      expect(upstreams.filter(({ state }) => state === 'ready')).toHaveLength(200)
      expect(await gateway.end('SIGTERM')).toBe(0)
      expect(gateway.log()).not.toMatch(/Warning/)
      await server.stop()
    },
    60_000,
  )
})
