// An agent calls a gateway, which calls a gateway, which calls a server: processes of their own, and a real authorization server that exchanges
// tokens (RFC 8693). Each hop has a token for the next alone, and one that breaks is named.
import { decodeJwt, importJWK, jwtVerify, SignJWT } from 'jose'
import { afterEach, expect } from 'vitest'
import type { Closers } from '../peers/admitting.ts'
import { type Exchanging, startExchanging } from '../peers/exchanging.ts'
import { freePort } from '../peers/free-port.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { type Protected, startProtected } from '../peers/protected.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

interface World {
  readonly issuer: Exchanging
  readonly c: Protected
  /** What C was sent, its bodies. */
  readonly bodies: string[]
  readonly a: GatewayProcess
  readonly b: GatewayProcess
  /** A token of alice's agent, for A. */
  readonly token: string
  /** A call through A by the agent: its result, and the fault in it. */
  call(name: string): Promise<{ readonly text: string; readonly fault: Record<string, unknown> | undefined }>
}

type Servers = Record<string, Record<string, unknown>>

/** With further servers of each; `exchanging`: the credential of A. */
async function world(moreOfA: (exchanging: Record<string, unknown>) => Servers = () => ({}), moreOfB: Servers = {}): Promise<World> {
  const ports = { a: await freePort(), b: await freePort() }
  const at = { a: `http://127.0.0.1:${ports.a}`, b: `http://127.0.0.1:${ports.b}` }
  const issuer = await startExchanging({ 'gateway-a': `${at.a}/mcp`, 'gateway-b': `${at.b}/mcp` })
  closers.push(issuer.close)
  const bodies: string[] = []
  const c = await startProtected({
    issuer: issuer.issuer,
    check: (token, req, resource) => {
      req.on('data', (chunk) => bodies.push(String(chunk)))
      req.pause()
      return jwtVerify(token, issuer.keys, { issuer: issuer.issuer, audience: resource, typ: 'at+jwt' }).then(
        () => undefined,
        () => 'invalid_token',
      )
    },
  })
  closers.push(c.close)
  const gateway = async (name: 'a' | 'b', servers: Servers): Promise<GatewayProcess> => {
    const started = await startProcess({
      listen: `127.0.0.1:${ports[name]}`,
      admin: { listen: '127.0.0.1:0' },
      publicUrl: at[name],
      auth: { issuers: [{ issuer: issuer.issuer }] },
      log: { level: 'trace', format: 'json' },
      servers,
    })
    closers.push(() => started.end('SIGTERM'))
    return started
  }
  const exchanging = (client: string): Record<string, unknown> => {
    const own = { issuer: issuer.issuer, clientId: client, clientSecret: issuer.secretOf(client) }
    return { type: 'tokenExchange', ...own, discovery: { type: 'clientCredentials', ...own, scopes: ['tools:read'] } }
  }
  const b = await gateway('b', { c: { url: c.url, era: 'modern', auth: exchanging('gateway-b') }, ...moreOfB })
  const towardsB = { url: `${at.b}/mcp`, era: 'modern', auth: exchanging('gateway-a') }
  const a = await gateway('a', { b: towardsB, ...moreOfA(exchanging('gateway-a')) })
  const token = await new SignJWT({ client_id: 'agent', scope: 'tools:read', jti: 'token-of-the-agent' })
    .setProtectedHeader({ alg: 'ES256', kid: String(issuer.privateJwk.kid), typ: 'at+jwt' })
    .setIssuer(issuer.issuer)
    .setSubject('alice')
    .setAudience(`${at.a}/mcp`)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(await importJWK(issuer.privateJwk as never, 'ES256'))
  const call: World['call'] = async (name) => {
    const params = { name, arguments: {}, _meta: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } }
    const { message } = await modern(a.base, 'tools/call', params, bearer(token))
    const { result, error } = message
    return { text: String(result?.content?.[0]?.text ?? error?.message), fault: (result?._meta ?? error?.data)?.['signalbox.dev/fault'] }
  }
  return { issuer, c, bodies, a, b, token, call }
}

promise(
  'R24',
  'who asks, who acts and the trace arrive at the third hop, each hop with a token of its own (A20)',
  async () => {
    const { c, bodies, a, b, token, call } = await world()
    expect((await call('b__c__test_simple_text')).text).toContain('simple text response')
    const arrived = c.tokens.map((one) => decodeJwt(one)).filter(({ sub }) => sub === 'alice')
    expect(arrived.length).toBeGreaterThan(0)
    for (const claims of arrived) {
      expect(claims).toMatchObject({ aud: c.url, act: { sub: 'gateway-b', act: { sub: 'gateway-a' } } })
    }
    expect(bodies.some((body) => body.includes('tools/call') && body.includes(traceId))).toBe(true)

    // No hop takes the token of another: that of the agent is for A, and that which A was given for B is for B.
    expect(c.tokens).not.toContain(token)
    expect((await modern(b.base, 'tools/list', {}, bearer(token))).status).toBe(401)
    expect((await modern(a.base, 'tools/list', {}, bearer(c.tokens.at(-1) as string))).status).toBe(401)
    const direct = await fetch(c.url, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}` } })
    expect(direct.status).toBe(401)
    for (const { log } of [a, b]) for (const one of [token, ...c.tokens]) expect(log()).not.toContain(one.split('.')[2])
  },
  60_000,
)

promise(
  ['R24', 'R101'],
  'a hop that gets no token for the next is named, from wherever the agent stands, and nothing is sent beyond it (A20)',
  async () => {
    const { c, issuer, call } = await world()
    expect((await call('b__c__test_simple_text')).fault).toBeUndefined()
    // What C was given is worth nothing any more, and B gets no other.
    for (const one of c.tokens) c.revoked.add(one)
    issuer.refuses.add('gateway-b')
    const before = c.tokens.length
    const { fault } = await call('b__c__test_simple_text')
    expect(fault).toMatchObject({ kind: 'upstream_auth_failed', category: 'authentication', detail: { hop: 'b/c' } })
    expect(c.tokens.slice(before).every((one) => c.revoked.has(one))).toBe(true)
  },
  60_000,
)

promise(
  'R24',
  'a hop that drops the identity, or sends on what it was given, is refused by the next and named (A20)',
  async () => {
    const open = await startScripted({
      era: 'modern',
      tools: [plainTool('echo')],
      call: ({ res, answer }) => {
        if (open.seen.at(-1)?.headers.authorization !== undefined) answer(textResult('done'))
        else res.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
      },
    })
    closers.push(open.close)
    const seen: string[] = []
    let back = ''
    // A program that is called by A and calls A in its turn, with no token or with its own.
    const program = await startScripted({
      era: 'modern',
      tools: [plainTool('drops'), plainTool('replays')],
      call: ({ name, answer }) => {
        const given = program.seen.at(-1)?.headers.authorization ?? ''
        const headers: Record<string, string> = name === 'drops' ? {} : { authorization: given }
        void modern(back, 'tools/list', {}, { headers }).then(({ status }) => {
          seen.push(`${name} ${status}`)
          answer({ ...textResult(`The call of the tools failed: HTTP ${status}`), isError: true })
        })
      },
    })
    closers.push(program.close)
    const { a, c, call } = await world((exchanging) => ({ program: { url: program.url, era: 'modern', auth: exchanging } }), {
      open: { url: open.url, era: 'modern' },
    })
    back = a.base
    // B drops it: it was told to send nothing.
    const dropped = await call('b__open__echo')
    expect(dropped.fault).toMatchObject({ kind: 'upstream_auth_failed', detail: { hop: 'b/open' } })
    expect(dropped.text).toContain('a request without a credential')
    for (const name of ['drops', 'replays']) {
      const { fault } = await call(`program__${name}`)
      expect(fault).toMatchObject({ kind: 'upstream_auth_failed', detail: { hop: 'program', suspect: 'auth_text' } })
    }
    expect(seen).toEqual(['drops 401', 'replays 401'])
    // A server that sends on to C what it was given: it is for itself, and C takes it from nobody.
    const token = String(program.seen.findLast(({ method }) => method === 'tools/call')?.headers.authorization)
    expect(decodeJwt(token.replace('Bearer ', ''))).toMatchObject({ sub: 'alice', aud: program.url })
    expect((await fetch(c.url, { method: 'POST', body: '{}', headers: { authorization: token } })).status).toBe(401)
  },
  60_000,
)
