import { afterEach, describe, expect, it } from 'vitest'
import { modernBody, modernHeaders, type OpenDoor, openDoor, send } from '../../../test/doubles/downstream/http-peer.ts'
import { type ContextChange, completed, testContext, testGateway } from '../../../test/doubles/downstream/test-gateway.ts'
import { anonymous } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'

let at: OpenDoor
afterEach(() => at.door.close())

async function start(change: ContextChange = {}): Promise<void> {
  at = await openDoor(
    testContext(
      testGateway(() => completed({ tools: [] })),
      change,
    ),
  )
}

function list(headers: Record<string, string | undefined>) {
  return send(at.port, { headers: { ...modernHeaders('tools/list'), ...headers }, body: modernBody('tools/list') })
}

describe('the Host is checked, so that no page can rebind a name to the gateway', () => {
  it.each([
    ['localhost', 200],
    ['localhost:4280', 200],
    ['LOCALHOST', 200],
    ['127.0.0.1', 200],
    ['127.8.9.1:80', 200],
    ['[::1]:4280', 200],
    ['gw.example', 200],
    ['GW.example:443', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['10.0.0.1', 403],
    ['gw.example.evil', 403],
  ])('%s: %i', async (host, status) => {
    await start({ http: { hosts: ['gw.example'] } })
    for (let i = 0; i < 2; i += 1) {
      const answer = await list({ host })
      expect(answer.status).toBe(status)
      if (status === 403) expect(answer.text).toContain('http.hosts')
    }
  })
})

describe('the Origin is checked, so that only pages that may call do', () => {
  it.each([
    ['dev', 'http://localhost:3000', 200],
    ['dev', 'https://127.0.0.1', 200],
    ['dev', 'http://[::1]:6274', 200],
    ['dev', 'https://app.example', 200],
    ['dev', 'https://evil.example', 403],
    ['dev', 'http://localhost.evil.example', 403],
    ['dev', 'http://localhost@evil.example', 403],
    ['dev', 'null', 403],
    ['production', 'http://localhost:3000', 403],
    ['production', 'https://app.example', 200],
    ['production', 'https://app.example:8443', 403],
  ] as const)('%s: %s: %i', async (profile, origin, status) => {
    await start({ profile, http: { origins: ['https://app.example'] } })
    const answer = await list({ origin })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.text).toContain('http.origins')
    else expect(answer.headers['access-control-allow-origin']).toBe(origin)
  })

  it('says the nonce of the next proof with every kind of answer', async () => {
    const gateway = testGateway(() => completed({ tools: [] }), {
      identify: ({ headers }) =>
        headers.get('authorization') !== undefined
          ? { principal: anonymous, dpopNonce: 'next' }
          : { fault: fault('unauthenticated', { reason: 'x' }, { challenge: 'DPoP error="use_dpop_nonce"' }), dpopNonce: 'first' },
    })
    at = await openDoor(testContext(gateway))
    const [refused, taken] = [await list({ origin: 'http://localhost:3000' }), await list({ authorization: 'DPoP x' })]
    expect([refused, taken].map(({ status, headers }) => [status, headers['dpop-nonce']])).toEqual([
      [401, 'first'],
      [200, 'next'],
    ])
    expect(refused.headers['www-authenticate']).toBe('DPoP error="use_dpop_nonce"')
  })

  it('lets a page ask first and read what it needs', async () => {
    await start()
    const preflight = await send(at.port, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:6274',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, dpop, mcp-method, Mcp-Param-Region, x-other',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-headers']).toBe('content-type, dpop, mcp-method, mcp-param-region')
    const readable = String(preflight.headers['access-control-expose-headers'])
    for (const name of ['Mcp-Session-Id', 'WWW-Authenticate', 'DPoP-Nonce']) expect(readable).toContain(name)
    expect(preflight.headers.vary).toBe('Origin')
  })
})
