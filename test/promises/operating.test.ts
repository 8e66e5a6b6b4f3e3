// What the admin API tells of a running gateway and does to it, beside its servers: sessions, keys, grants, rules, configuration.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Closers } from '../peers/admitting.ts'
import type { Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, openSession, send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const stateDir = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-operating-'))
  closers.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function gateway(config: Record<string, unknown> = {}) {
  const up = await startScripted({ tools: [plainTool('read'), plainTool('write')] })
  closers.push(up.close)
  const started = await startUnderTest({ servers: { up: { url: up.url, era: 'legacy' } }, ...config })
  closers.push(started.stop)
  const get = async (path: string): Promise<{ status: number; body: Result }> => {
    const { status, text } = await send(`${started.admin}/admin/v1/${path}`, 'GET', undefined)
    return { status, body: JSON.parse(text) }
  }
  const post = async (path: string, body: object): Promise<{ status: number; body: Result }> => {
    const { status, text } = await send(`${started.admin}/admin/v1/${path}`, 'POST', JSON.stringify(body))
    return { status, body: JSON.parse(text) }
  }
  return { ...started, up, get, post }
}

promise(['R38'], 'the sessions that are open: whose, by which transport, since when, and nothing that they could be used by', async () => {
  const { base, get } = await gateway()
  expect((await get('sessions')).body).toEqual({ sessions: [] })
  const session = await openSession(base, { mount: '/up' })
  await openSession(base, {})
  const controller = new AbortController()
  await fetch(`${base}/sse`, { signal: controller.signal })
  const { sessions } = (await get('sessions')).body
  expect(sessions).toHaveLength(2)
  expect(sessions[0]).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{16}$/),
    principal: { issuer: 'signalbox', subject: 'anonymous' },
    transport: 'http',
    revision: expect.stringMatching(/^20/),
    calls: 0,
  })
  expect(Date.parse(sessions[0].since)).toBeGreaterThan(0)
  expect(JSON.stringify(sessions)).not.toContain(session['mcp-session-id'])
  const first = (await get('sessions?limit=1')).body
  const second = (await get(`sessions?limit=1&cursor=${first.next}`)).body
  expect([first.sessions[0].id, second.sessions[0].id, second.next]).toEqual([sessions[0].id, sessions[1].id, undefined])
  await send(`${base}/mcp/up`, 'DELETE', undefined, { headers: session as Record<string, string> })
  expect(await eventually(async () => (await get('sessions')).body.sessions.length === 1)).toBe(true)
  controller.abort()
})

promise(['R29'], 'keys are listed without their values, and one that is revoked is refused', async () => {
  const folder = stateDir()
  const config = { stateDir: folder, auth: { callers: ['apiKey', 'anonymous'], apiKeys: {} } }
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify({ ...config, listen: '127.0.0.1:4280', servers: {} }))
  const made = JSON.parse((await signalbox(folder, 'keys', 'create', 'nightly', '--json')).out)
  const { base, get, post } = await gateway(config)
  const ask = async () => (await modern(base, 'tools/list', {}, { headers: { authorization: `Bearer ${made.key}` } })).status
  expect(await ask()).toBe(200)
  const { status, body } = await get('keys')
  expect([status, body]).toEqual([
    200,
    { keys: [expect.objectContaining({ id: made.id, subject: 'nightly', state: 'good', revoked: null })] },
  ])
  expect(JSON.stringify(body)).not.toContain(made.key.slice(-20))
  expect(await post(`keys/${made.id}/actions`, { action: 'revoke' })).toEqual({ status: 200, body: { id: made.id, revoked: true } })
  expect((await post(`keys/${made.id}/actions`, { action: 'revoke' })).status).toBe(404)
  expect((await get('keys')).body.keys[0].state).toBe('revoked')
  expect(await eventually(async () => (await ask()) === 401)).toBe(true)
  const rows = (await signalbox(folder, 'audit', 'query', '--json', '--about', 'key')).out
  expect(rows).toContain(`revoke by an operator`)
})

test('grants are listed and revoked by filter, and nothing at once without one', async () => {
  const { get, post } = await gateway({ stateDir: stateDir() })
  expect(await get('grants')).toEqual({ status: 200, body: { grants: [] } })
  expect((await get('grants?server=up&principal=ada')).status).toBe(200)
  expect((await post('grants/actions', { action: 'revoke' })).status).toBe(400)
  expect((await post('grants/actions', { action: 'revoke', server: 'up', client: 'c' })).status).toBe(400)
  expect(await post('grants/actions', { action: 'revoke', server: 'up' })).toEqual({
    status: 200,
    body: { grants: 0, consents: 0, signIns: 0, untold: [] },
  })
})

test('rules are explained as the command does it', async () => {
  const { get } = await gateway({
    access: [{ name: 'readers', groups: ['support'], scopes: ['read'], use: ['up/read'] }],
  })
  const of = (who: object) => encodeURIComponent(JSON.stringify(who))
  expect((await get(`policy/explain?principal=${of({ groups: ['support'], scopes: ['read'] })}&tool=up/read`)).body).toMatchObject({
    tool: 'up/read',
    decision: 'allow',
    rule: 'readers',
    rules: [{ rule: 'readers', says: 'grants' }],
  })
  expect((await get(`policy/explain?principal=${of({ groups: ['support'] })}&tool=up/read`)).body).toMatchObject({
    decision: 'step-up',
    missing: ['read'],
  })
  expect((await get('policy/explain?principal=ada&tool=up/write')).body).toMatchObject({ decision: 'deny', rule: 'default' })
  for (const query of [
    '',
    '?principal=ada',
    `?principal=${of({ group: [] })}&tool=up/read`,
    '?principal=ada&tool=read',
    '?principal=ada&tool=up/read&args=x',
  ])
    expect((await get(`policy/explain${query}`)).status).toBe(400)
  expect((await (await gateway()).get('policy/explain?principal=ada&tool=up/read')).status).toBe(404)
})

test('the configuration in force is told with defaults, and without any secret', async () => {
  const inline = 'Zt9-inline-word-4711'
  const { get } = await gateway({
    servers: {
      web: { url: `http://user:${inline}@127.0.0.1:9/mcp`, headers: { Authorization: `Bearer ${inline}`, 'X-Any': inline }, era: 'legacy' },
      cli: { command: process.execPath, args: ['-e', '0', '--api-key', inline, '--name', 'plain'], env: { ANY: inline } },
    },
    auth: { introspection: [{ issuer: 'https://idp.example', endpoint: 'https://idp.example/i', client: { id: 'gw', secret: inline } }] },
    vault: { key: Buffer.alloc(32, 7).toString('base64') },
  })
  const { status, body } = await get('config')
  expect(status).toBe(200)
  expect(body.source).toBe('test')
  expect(body.config).toMatchObject({
    drain: { graceMs: 500 },
    servers: { cli: { args: ['-e', '0', '--api-key', expect.any(String), '--name', 'plain'] } },
  })
  expect(body.config.servers.cli.command).toBe(process.execPath)
  expect(Object.keys(body.config.servers.web.headers)).toEqual(['Authorization', 'X-Any'])
  const text = JSON.stringify(body)
  expect(text).not.toContain(inline)
  expect(text).not.toContain(Buffer.alloc(32, 7).toString('base64'))
})
