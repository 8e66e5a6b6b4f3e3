// What a server answers where it should have taken the end of the handshake.
import { describe, expect, onTestFinished, test } from 'vitest'
import { legacyServer, type Reply, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { makeCall, makeUpstream, send } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal
async function refusing(answer: Reply | 'reset') {
  const server = await scripted(legacyServer(({ body }) => (body.method === 'notifications/initialized' ? answer : undefined)))
  onTestFinished(() => server.stop())
  const made = makeUpstream({ settings: { url: server.url, era: 'legacy', transport: 'streamable-http' } })
  return made.upstream
}

describe('notifications/initialized that is not taken names itself', () => {
  test.each<[string, Reply | 'reset', RegExp]>([
    ['500', { status: 500 }, /it took initialize, and answered notifications\/initialized with HTTP 500/],
    ['400 with words', { status: 400, error: { code: -32600, message: 'bad' } }, /answered notifications\/initialized with HTTP 400/],
    ['401', { status: 401 }, /notifications\/initialized could not be handed over: .*HTTP 401/],
    ['503', { status: 503 }, /notifications\/initialized could not be handed over: .*HTTP 503/],
    ['a reset', 'reset', /notifications\/initialized could not be handed over/],
  ])('%s', async (_, answer, expected) => {
    const upstream = await refusing(answer)
    const found = await upstream.ready(never)
    expect(String(found?.detail.reason)).toMatch(expected)
    expect(upstream.health().reason).toMatch(expected)
    const outcome = await send(upstream, makeCall('tools/call', { name: 'echo' }))
    expect(outcome).toMatchObject({ kind: 'fault', fault: { sideEffect: 'none', detail: { method: 'notifications/initialized' } } })
  })
})
