// A server refuses a credential: it is told to whom it belongs, and one new one is tried, once, whoever asked.
import { describe, expect, onTestFinished, test } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, modernServer, type Script, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { makeCall, send } from '../../../test/doubles/upstream/upstream-rig.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { CredentialLease, Credentials, RefusedCredential } from '../../core/ports/credentials.ts'

const never = new AbortController().signal
/** Brings `token-1`, and another after each refusal, `renewals` times. */
class Renewable implements Credentials {
  readonly refused: RefusedCredential[] = []
  private at = 1
  private readonly renewals: number

  constructor(renewals: number) {
    this.renewals = renewals
  }

  private lease(): CredentialLease {
    return {
      id: 'one',
      headers: () => ({ authorization: `token-${this.at}` }),
      reject: (refused) => {
        this.refused.push(refused)
        if (this.at > this.renewals) return false
        this.at += 1
        return true
      },
    }
  }

  forCaller(): Promise<CredentialLease> {
    return Promise.resolve(this.lease())
  }

  forDiscovery(): Promise<CredentialLease> {
    return Promise.resolve(this.lease())
  }
}

const challenge = 'Bearer error="invalid_token"'

/** Refuses every token below this one. */
function guarded(script: Script, least: () => number): Script {
  return (request) => {
    const token = Number(String(request.headers.authorization).replace('token-', ''))
    return token < least() ? { status: 401, headers: { 'www-authenticate': challenge } } : script(request)
  }
}

async function setting(script: Script, credentials: Credentials) {
  let least = 1
  const server = await scripted(guarded(script, () => least))
  onTestFinished(() => server.stop())
  const made = upstreamAt({ url: server.url }, { credentials })
  const count = (method: string) => server.requests.filter(({ body }) => body.method === method).length
  return {
    upstream: made.upstream,
    count,
    require: (token: number) => {
      least = token
    },
  }
}

const write = () => makeCall('tools/call', { name: 'echo' }, { principal: aPrincipal(), affinity: 's' })

describe.each([
  ['2026-07-28', modernServer(() => undefined)],
  ['2025-11-25', legacyServer(({ body }) => (body.method === 'tools/list' ? { result: { tools: [] } } : undefined))],
])('a server of %s that no longer takes a credential', (_revision, script) => {
  test('is called once more with a new one, a write too: what is refused was not executed', async () => {
    const credentials = new Renewable(1)
    const { upstream, count, require } = await setting(script, credentials)
    expect((await send(upstream, write())).kind).toBe('complete')
    require(2)
    expect((await send(upstream, write())).kind).toBe('complete')
    expect(credentials.refused).toEqual([{ status: 401, challenge }])
    expect(count('tools/call')).toBe(3)
  })

  test('and refuses the new one as well, is not called a third time', async () => {
    const credentials = new Renewable(9)
    const { upstream, count, require } = await setting(script, credentials)
    await send(upstream, write())
    require(99)
    expect(await send(upstream, write())).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_auth_failed', sideEffect: 'none' } })
    expect(count('tools/call')).toBe(3)
    expect(credentials.refused).toHaveLength(2)
  })

  test('is not called again where there is no other', async () => {
    const credentials = new Renewable(0)
    const { upstream, count, require } = await setting(script, credentials)
    await send(upstream, write())
    require(2)
    expect(await send(upstream, write())).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_auth_failed' } })
    expect(count('tools/call')).toBe(2)
  })

  test('is greeted with a new one, where the connection is yet to be made', async () => {
    const credentials = new Renewable(1)
    const { upstream, require } = await setting(script, credentials)
    require(2)
    expect((await send(upstream, write())).kind).toBe('complete')
    expect(credentials.refused).toEqual([{ status: 401, challenge }])
  })

  test("refuses it to one caller's own connection: that is made with a new one", async () => {
    const credentials = new Renewable(1)
    const { upstream, require } = await setting(script, credentials)
    expect(await upstream.ready(never)).toBeUndefined()
    require(2)
    expect((await send(upstream, write())).kind).toBe('complete')
    expect(credentials.refused).toEqual([{ status: 401, challenge }])
  })

  test('lists its tools for the gateway with a new one', async () => {
    const credentials = new Renewable(1)
    const { upstream, count, require } = await setting(script, credentials)
    expect(await upstream.ready(never)).toBeUndefined()
    require(2)
    for await (const _ of upstream.items('tool', never));
    expect(count('tools/list')).toBe(2)
  })
})

describe.each([
  ['2026-07-28', modernServer],
  ['2025-11-25', legacyServer],
] as const)('a server of %s that refuses a call for its scope', (_revision, serverOf) => {
  const said = 'Bearer error="insufficient_scope", scope="tickets:write"'
  test.each([
    ['by a challenge', { status: 403, headers: { 'www-authenticate': said } }],
    [
      'beside an error that answers the request',
      { status: 403, headers: { 'www-authenticate': said }, error: { code: -32600, message: 'no' } },
    ],
    ['in the body alone', { status: 403, raw: '{"error":"insufficient_scope","scope":"tickets:write"}' }],
  ])('%s: the scope is named, nothing is sent again, and its user is told what to do', async (_how, reply) => {
    const credentials = new Renewable(0)
    const asked: (readonly string[])[] = []
    const link = 'https://gateway.example/connect/1'
    const lacks = (scopes: readonly string[]) => {
      asked.push(scopes)
      return Promise.resolve(
        fault('reauth_required', { upstream: 'up', reason: 'more', link, scopes }, { evidence: evidence.scope_missing }),
      )
    }
    const own = { forDiscovery: () => credentials.forDiscovery(), forCaller: async () => ({ ...(await credentials.forCaller()), lacks }) }
    const refusing = serverOf(({ body }) => (body.method === 'tools/call' ? reply : undefined))
    for (const [towards, kind] of [
      [own, 'reauth_required'],
      [credentials, 'upstream_auth_failed'],
    ] as const) {
      const { upstream, count } = await setting(refusing, towards)
      const outcome = await send(upstream, write())
      const detail = { scopes: ['tickets:write'] }
      expect(outcome).toMatchObject({ kind: 'fault', fault: { kind, sideEffect: 'none', retryable: false, detail } })
      expect(count('tools/call')).toBe(1)
    }
    expect(asked).toEqual([['tickets:write']])
  })

  test.each(['not JSON', '{"error":"other"}', '{"error":"insufficient_scope","scope":"a\\"b"}', '[]', '{"error":{}}'])(
    'in a body that says %s: no scope is made up',
    async (raw) => {
      const refusing = serverOf(({ body }) => (body.method === 'tools/call' ? { status: 403, raw } : undefined))
      const { upstream } = await setting(refusing, new Renewable(0))
      const outcome = await send(upstream, write())
      expect(outcome).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_auth_failed' } })
      expect(JSON.stringify(outcome)).not.toContain('the scope a')
    },
  )
})
