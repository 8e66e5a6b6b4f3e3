// A server says in words that it does not take the credential, where a status should say so: it is renewed as after a 401, but that a tool
// which writes may have begun.
import { afterEach, describe, expect, test } from 'vitest'
import { keptDecisions } from '../../../test/doubles/decisions.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { legacyServer, modernServer, type Reply, type Request, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { countingReport, makeCall, makeUpstream, send } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { CredentialLease, Credentials, RefusedCredential } from '../../core/ports/credentials.ts'
import { createWordsReader } from '../../gateway/quality/words-reader.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const text = (said: string, isError = true) => ({ result: { content: [{ type: 'text', text: said }], ...(isError ? { isError } : {}) } })
const scripts = { '2026-07-28': modernServer, '2025-11-25': legacyServer } as const

async function setting(revision: keyof typeof scripts, refuses: (request: Request) => Reply, renewals = 1) {
  const refused: RefusedCredential[] = []
  let at = 1
  const lease: CredentialLease = {
    id: 'one',
    headers: () => ({ authorization: `token-${at}` }),
    reject: (answer) => {
      refused.push(answer)
      if (at > renewals) return false
      at += 1
      return true
    },
  }
  const credentials: Credentials = { forCaller: () => lease, forDiscovery: () => lease }
  const server = await scripted(
    scripts[revision]((request) => {
      if (request.body.method !== 'tools/call') return undefined
      return request.headers.authorization === 'token-1' ? refuses(request) : text('done', false)
    }),
  )
  const report = countingReport()
  const decisions = keptDecisions()
  const words = createWordsReader({ upstream: 'up', credentialed: true, now: () => 0, report, decisions })
  const { upstream, close } = makeUpstream({ settings: { url: server.url }, credentials, words })
  cleanups.push(close, () => server.stop())
  const count = () => server.requests.filter(({ body }) => body.method === 'tools/call').length
  return { upstream, refused, count, report, decisions }
}

const call = (readOnly: boolean) =>
  makeCall(
    'tools/call',
    { name: 'list' },
    { principal: aPrincipal(), affinity: 's', item: { traits: { readOnly, destructive: !readOnly, idempotent: readOnly } } },
  )

const answers: [string, Reply][] = [
  ['in a result with isError', text('failed to list: 401 Bad credentials')],
  ['in a result that is given for a success', text('{"ok":false,"error":"token_expired"}', false)],
  ['in an error of JSON-RPC', { error: { code: -32603, message: 'Authentication Failed: Bad credentials' } }],
]

describe.each(['2026-07-28', '2025-11-25'] as const)('a server of %s that refuses a credential', (revision) => {
  describe.each(answers)('%s', (_where, answer) => {
    test('is called once more with a new one, where the tool only reads', async () => {
      const { upstream, refused, count, report, decisions } = await setting(revision, () => answer)
      expect((await send(upstream, call(true))).kind).toBe('complete')
      expect(refused).toEqual([{ status: 401, challenge: undefined }])
      expect(count()).toBe(2)
      expect(report.counts.get('suspect up auth_text')).toBe(1)
      expect(decisions.all).toMatchObject([{ about: 'credential', allowed: false, credential: 'one', item: 'list' }])
    })

    test('is not sent a write again, since it may have begun; the next call has a new one', async () => {
      const { upstream, count } = await setting(revision, () => answer)
      expect(await send(upstream, call(false))).toMatchObject({
        fault: { kind: 'upstream_auth_failed', sideEffect: 'unknown', detail: { hop: 'up', suspect: 'auth_text' } },
      })
      expect(count()).toBe(1)
      expect((await send(upstream, call(false))).kind).toBe('complete')
    })

    test('is not called again where there is no other', async () => {
      const { upstream, count } = await setting(revision, () => answer, 0)
      expect(await send(upstream, call(true))).toMatchObject({ fault: { kind: 'upstream_auth_failed', retryable: false } })
      expect(count()).toBe(1)
    })
  })

  test('for want of a scope, says so, and no other credential is tried', async () => {
    const { upstream, refused, count } = await setting(revision, () => text('Request had insufficient authentication scopes.'))
    expect(await send(upstream, call(true))).toMatchObject({
      fault: { kind: 'upstream_auth_failed', said: ['Request had insufficient authentication scopes.'] },
    })
    expect([refused.length, count()]).toEqual([0, 1])
  })

  describe('behind another gateway', () => {
    const fault = { kind: 'upstream_auth_failed', category: 'authentication', detail: { hop: 'c/d', failure: 'it refused HTTP 401' } }
    const meta = { 'signalbox.dev/fault': fault }

    test('is told as that gateway has judged it, with the way to the hop', async () => {
      const words = 'The server d cannot be used: it refused a request (HTTP 401)'
      const result = { ...text(words).result, structuredContent: { error: fault }, _meta: meta }
      const { upstream, refused, count } = await setting(revision, () => ({ result }))
      const outcome = await send(upstream, call(true))
      expect(outcome.kind === 'complete' && outcome.result.json()).toMatchObject({
        content: [{ text: words }],
        structuredContent: { error: { detail: { hop: 'up/c/d' } } },
        _meta: { 'signalbox.dev/fault': { kind: 'upstream_auth_failed', detail: { hop: 'up/c/d' } } },
      })
      // It is not the credential of this hop.
      expect([refused.length, count()]).toEqual([0, 1])
    })

    test('in an error of JSON-RPC too', async () => {
      const { upstream, refused } = await setting(revision, () => ({ error: { code: -32603, message: 'broken (HTTP 401)', data: meta } }))
      expect(await send(upstream, call(true))).toMatchObject({
        fault: { kind: 'upstream_auth_failed', detail: { hop: 'up/c/d', wire: { code: -32603, message: 'broken (HTTP 401)' } } },
      })
      expect(refused).toEqual([])
    })

    test.each([
      ['of another kind', { ...fault, kind: 'upstream_timeout' }],
      ['without a hop', { ...fault, detail: {} }],
      ['with a hop that is no name', { ...fault, detail: { hop: 'x'.repeat(1_000) } }],
      ['that is none', 'fault'],
    ])('a fault %s stays as it is', async (_what, odd) => {
      const result = { ...text('HTTP 401').result, _meta: { 'signalbox.dev/fault': odd } }
      const { upstream } = await setting(revision, () => ({ result }))
      const outcome = await send(upstream, call(true))
      expect(outcome.kind === 'complete' && outcome.result.json()).toMatchObject({ _meta: { 'signalbox.dev/fault': odd } })
    })
  })

  test('and an error about something else stays what it is', async () => {
    const { upstream, refused } = await setting(revision, () => text("EACCES: permission denied, open '/etc/shadow'"))
    expect(await send(upstream, call(true))).toMatchObject({ kind: 'complete', facts: { isError: true } })
    expect(refused).toEqual([])
  })
})
