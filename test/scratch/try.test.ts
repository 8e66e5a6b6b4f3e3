import { test } from 'vitest'
import { connect } from '/work/main/test/peers/clients.ts'
import { startUnderTest, freePort } from '/work/main/test/peers/gateway.ts'
import { startEverything } from '/work/main/test/peers/servers.ts'
test('x', async () => {
  const p = await freePort()
  const h = await startEverything('sse', p)
  const g = await startUnderTest({ servers: { h: { url: `http://127.0.0.1:${p}/sse`, transport: 'sse' } } })
  const c = await connect('v2 legacy http', { base: g.base, mount: '/h' }, { elicit: () => ({ action: 'cancel' }) })
  const t0 = performance.now()
  const t = c.call('simulate-research-query', { topic: 'x' }).then(() => console.log('task', performance.now() - t0))
  for (let i = 0; i < 12; i += 1) {
    const from = performance.now()
    await c.call('echo', { message: 'x' })
    console.log('echo', Math.round(from - t0), Math.round(performance.now() - from))
    await new Promise((r) => setTimeout(r, 100))
  }
  await t
  await c.close()
  await g.stop()
  await h.stop()
}, 60000)
