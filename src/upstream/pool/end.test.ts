// The end of the exit while a connection is on its way: nothing that a server fails to answer holds it up. The clock stands still, so that no
// time limit helps.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { legacyServer, type Script, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { startScripted, until } from '../../../test/doubles/upstream/scripted-server.ts'
import { makeUpstream } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal
function silentAt(method: string): Script {
  return legacyServer(({ body }) => (body.method === method ? 'hang' : undefined))
}

test.each(['server/discover', 'initialize', 'notifications/initialized'])(
  'a server that leaves %s unanswered is not waited for',
  async (method) => {
    const server = await scripted(silentAt(method))
    onTestFinished(() => server.stop())
    const { upstream, close } = makeUpstream({ settings: { url: server.url }, clock: new ManualClock() })
    const ready = upstream.ready(never)
    await until(() => server.requests.some(({ body }) => body.method === method))
    await close()
    expect(await ready).toHaveProperty('kind')
    expect(upstream.health()).toMatchObject({ connections: 0 })
  },
)

test.each(['sse', 'auto'])('an event stream that names no endpoint is not waited for (transport: %s)', async (transport) => {
  let streams = 0
  const server = await startScripted((asked, response) => {
    if (asked.method !== 'GET') return void response.writeHead(405).end()
    streams += 1
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  onTestFinished(() => server.stop())
  const { upstream, close } = makeUpstream({ settings: { url: server.url, transport }, clock: new ManualClock() })
  const ready = upstream.ready(never)
  await until(() => streams === 1)
  await close()
  expect(await ready).toHaveProperty('kind')
})

test('a child that answers nothing is ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-end-'))
  onTestFinished(async () => rmSync(folder, { recursive: true }))
  const runs = join(folder, 'runs')
  const silent = `require('fs').writeFileSync(${JSON.stringify(runs)}, ''); process.stdin.resume()`
  const settings = { command: process.execPath, args: ['-e', silent] }
  const { upstream, close } = makeUpstream({ settings, clock: new ManualClock() })
  const ready = upstream.ready(never)
  await until(() => existsSync(runs))
  await close()
  expect(await ready).toHaveProperty('kind')
})
