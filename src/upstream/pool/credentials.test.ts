// Whose credential goes with what: each caller's own with its calls and watches, the gateway's own with everything that it asks by itself.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { peer, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, modernServer, type Scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { faultKind, makeCall, send, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { CredentialLease, Credentials, Leased } from '../../core/ports/credentials.ts'
import { UpstreamFault } from '../../core/ports/upstream.ts'
import { staticCredentials } from '../../gateway/credentials/static.ts'

const never = new AbortController().signal

/** A credential of each principal, brought after a while, and one of the gateway itself. */
class PerCaller implements Credentials {
  readonly asked: string[] = []
  /** What stands in the way of a principal's. */
  lacking: (sub: string) => Leased | Promise<Leased> | undefined = () => undefined

  forCaller({ sub, tenant }: Principal): Promise<Leased> {
    this.asked.push(sub)
    const lease = bearer(`${tenant}-${sub}`)
    return Promise.resolve().then(() => this.lacking(sub) ?? lease)
  }

  forDiscovery(): Promise<Leased> {
    this.asked.push('itself')
    return Promise.resolve(bearer('itself'))
  }
}

function bearer(id: string): CredentialLease {
  return { id, headers: () => ({ authorization: `Bearer ${id}` }), reject: () => false }
}

const called = (server: Scripted, method: string) =>
  server.requests.filter(({ body }) => body.method === method).map(({ headers }) => headers.authorization)

const by = (sub: string, change: Partial<Principal> = {}) => {
  const principal = aPrincipal({ sub, ...change })
  return makeCall('tools/call', { name: 'echo' }, { principal, affinity: `session of ${principalKey(principal)}` })
}

describe.each([
  ['2026-07-28', modernServer(() => undefined)],
  ['2025-11-25', legacyServer(({ body }) => (body.method === 'tools/list' ? { result: { tools: [] } } : undefined))],
])('a server of %s sees', (revision, script) => {
  test('the caller in its calls, and the gateway itself in probe, handshake and lists', async () => {
    const server = await peer(script)
    const credentials = new PerCaller()
    const { upstream } = upstreamAt({ url: server.url }, { credentials })
    expect(await upstream.ready(never)).toBeUndefined()
    for await (const _ of upstream.items('tool', never));
    expect(credentials.asked.every((who) => who === 'itself')).toBe(true)
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer itself']))
    // In its own name the gateway finds out whether a server of 2026-07-28 has sessions too.
    upstream.wantSessions?.()
    await expect.poll(() => upstream.sessionsPending?.()).toBe(false)
    const before = server.requests.length
    await Promise.all([send(upstream, by('ann')), send(upstream, by('ben')), send(upstream, by('ann', { tenant: 'acme' }))])
    expect(called(server, 'tools/call').sort()).toEqual(['Bearer acme-ann', 'Bearer default-ann', 'Bearer default-ben'])
    // Not even a handshake of a caller's own connection borrows the gateway's.
    expect(server.requests.slice(before).some(({ headers }) => headers.authorization === 'Bearer itself')).toBe(false)
    expect(called(server, 'initialize').includes('Bearer default-ann')).toBe(revision === '2025-11-25')
  })
})

describe('a caller without a credential', () => {
  test('gets the reason, and nothing is sent in its name', async () => {
    const server = await peer(modernServer(() => undefined))
    const credentials = new PerCaller()
    credentials.lacking = (sub) => (sub === 'eve' ? fault('upstream_auth_failed', { upstream: 'up', status: 'none' }) : undefined)
    const { upstream } = upstreamAt({ url: server.url }, { credentials })
    expect(faultKind(await send(upstream, by('eve')))).toBe('upstream_auth_failed')
    expect(textOf(await send(upstream, by('ann'))).length).toBeGreaterThan(0)
    expect(called(server, 'tools/call')).toEqual(['Bearer default-ann'])
    const heard: unknown[] = []
    const watch = upstream.watch({ toolsListChanged: true }, (event) => heard.push(event), {
      principal: aPrincipal({ sub: 'eve' }),
      affinity: 's',
    })
    expect(await watch.update({ toolsListChanged: true })).toEqual({})
    watch.close()
  })

  test('has a watch whose bug is told, once, and ends nothing else', async () => {
    const server = await peer(modernServer(() => undefined))
    const credentials = new PerCaller()
    credentials.lacking = () => Promise.reject(new Error('a bug'))
    const { upstream, report } = upstreamAt({ url: server.url }, { credentials })
    const watch = upstream.watch({ toolsListChanged: true }, () => undefined, { principal: aPrincipal({ sub: 'eve' }), affinity: 's' })
    expect(await watch.update({ toolsListChanged: true })).toEqual({})
    watch.close()
    expect(report.counts.get('bugs upstream_events')).toBe(1)
  })

  test('waits for it as long as its call may', async () => {
    const server = await peer(modernServer(() => undefined))
    const credentials = new PerCaller()
    credentials.lacking = () => new Promise(() => {})
    const { upstream } = upstreamAt({ url: server.url }, { credentials })
    const clock = new ManualClock()
    const leg = start(upstream, by('eve'), { clock, limits: { idleMs: 500, totalMs: 500 } })
    await clock.advance(500)
    expect(faultKind(await leg.outcome)).toBe('upstream_timeout')
    expect(called(server, 'tools/call')).toEqual([])
    expect(upstream.health().inFlight).toBe(0)
  })
})

test('a gateway without a credential of its own is not ready, and its lists say why', async () => {
  const server = await peer(modernServer(() => undefined))
  const credentials = new PerCaller()
  credentials.forDiscovery = () => Promise.resolve(fault('upstream_auth_failed', { upstream: 'up', status: 'none' }))
  const { upstream } = upstreamAt({ url: server.url }, { credentials })
  expect(await upstream.ready(never)).toMatchObject({ kind: 'upstream_auth_failed' })
  const pulled = (async () => {
    for await (const _ of upstream.items('tool', never));
  })()
  await expect(pulled).rejects.toBeInstanceOf(UpstreamFault)
  expect(server.requests).toEqual([])
})

describe('the headers of the configuration', () => {
  test('are the same for everybody, at hand at once, and no header of a client replaces one', async () => {
    const server = await peer(modernServer(() => undefined))
    const forwardHeaders = { 'X-Own': 'Authorization', 'X-Other': 'X-Other' }
    const { upstream } = upstreamAt({ url: server.url, headers: { Authorization: 'Bearer fixed' }, forwardHeaders })
    const headers = { 'x-own': 'Bearer mine', 'x-other': 'passes' }
    for (const principal of ['ann', 'ben']) await send(upstream, makeCall('tools/call', { name: 'echo' }, { principal, headers }))
    expect(new Set(server.requests.map((one) => one.headers.authorization))).toEqual(new Set(['Bearer fixed']))
    expect(server.requests.at(-1)?.headers['x-other']).toBe('passes')
    expect(upstream.health().connections).toBe(1)
    const credentials = staticCredentials({ A: 'b' })
    expect(credentials.forCaller(aPrincipal())).toBe(credentials.forDiscovery())
    expect(staticCredentials({}).forDiscovery()).toMatchObject({ id: '' })
  })
})
