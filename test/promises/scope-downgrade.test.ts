// A caller whose renewed token says less: what its rights no longer show leaves its lists, it is told so, and calls say what they lack.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { type Answer, legacy, modern, openSession, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'

let issuer: TestIssuer
let tracker: Scripted
let gateway: UnderTest
const publicUrl = 'https://mcp.example.com'

beforeAll(async () => {
  issuer = await startIssuer()
  tracker = await startScripted({ era: 'modern', tools: ['get_ticket', 'delete_ticket', 'export_tickets'].map((name) => plainTool(name)) })
  gateway = await startUnderTest({
    publicUrl,
    auth: { issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }] },
    servers: { tracker: { url: tracker.url, era: 'modern' } },
    access: [
      { scopes: ['read'], use: ['tracker/get_*'] },
      { scopes: ['write'], use: ['tracker/delete_*'] },
      { when: '"export" in principal.scopes', use: ['tracker/export_*'] },
    ],
  })
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  for (const one of [tracker, issuer]) await one.close()
})

const before = 'read write export'
const after = 'read'

async function bearer(sub: string, scope: string, client = 'agent'): Promise<Record<string, string>> {
  const token = await issuer.sign({ sub, scope, client_id: client, aud: `${publicUrl}/mcp` })
  return { authorization: `Bearer ${token}` }
}

const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']
const namesIn = ({ message }: Answer): string[] => (message.result.tools as Result[]).map(({ name }) => name as string)
const all = ['tracker__get_ticket', 'tracker__delete_ticket', 'tracker__export_tickets']
/** What lacks a scope alone stays: its client can ask for it. */
const left = all.slice(0, 2)
const told = (text: string): number => text.split('notifications/tools/list_changed').length - 1

describe('a token with fewer scopes (A09)', () => {
  test('in a session: it is told, lists less, and its calls name the scope', async () => {
    const wide = await bearer('ann', before)
    const session = await openSession(gateway.base, { headers: wide })
    let heard = ''
    const ended = new AbortController()
    const stream = send(`${gateway.base}/mcp`, 'GET', undefined, {
      headers: { ...wide, ...session, accept: 'text/event-stream' },
      signal: ended.signal,
      onText: (text) => {
        heard += text
      },
    }).catch(() => undefined)
    expect(namesIn(await legacy(gateway.base, session, 'tools/list', {}, { headers: wide }))).toEqual(all)
    const narrow = await bearer('ann', after)
    expect(namesIn(await legacy(gateway.base, session, 'tools/list', {}, { headers: narrow }))).toEqual(left)
    expect(await eventually(() => told(heard) === 1)).toBe(true)
    const refused = await legacy(gateway.base, session, 'tools/call', { name: left[1], arguments: {} }, { headers: narrow })
    expect([refused.status, faultOf(refused)?.kind]).toEqual([403, 'insufficient_scope'])
    expect(refused.message.error.message).toContain('the scope write')
    expect(faultOf(await legacy(gateway.base, session, 'tools/call', { name: all[2], arguments: {} }, { headers: narrow }))?.kind).toBe(
      'forbidden',
    )
    // And back: another token of the same rights tells nothing, the wide one does.
    await legacy(gateway.base, session, 'ping', {}, { headers: await bearer('ann', after) })
    await legacy(gateway.base, session, 'ping', {}, { headers: await bearer('ann', before) })
    expect(await eventually(() => told(heard) === 2)).toBe(true)
    ended.abort()
    await stream
  })

  test('of a stateless client: its listen is told, and of another client of the same user nobody is', async () => {
    const listen = async (client: string) => {
      const at = { text: '', ended: new AbortController(), done: Promise.resolve() as Promise<unknown> }
      const headers = await bearer('ben', before, client)
      const onText = (text: string): void => {
        at.text += text
      }
      const params = { notifications: { toolsListChanged: true } }
      const options = { headers, signal: at.ended.signal, onText }
      at.done = modern(gateway.base, 'subscriptions/listen', params, options).catch(() => undefined)
      expect(await eventually(() => at.text.includes('acknowledged'))).toBe(true)
      return at
    }
    const [own, other] = [await listen('agent'), await listen('another')]
    const narrow = await bearer('ben', after)
    expect(namesIn(await modern(gateway.base, 'tools/list', {}, { headers: narrow }))).toEqual(left)
    expect(await eventually(() => told(own.text) === 1)).toBe(true)
    const refused = await modern(gateway.base, 'tools/call', { name: left[1], arguments: {} }, { headers: narrow })
    expect([refused.status, faultOf(refused)?.kind]).toEqual([403, 'insufficient_scope'])
    expect(String(refused.headers['www-authenticate'])).toContain('scope="write"')
    expect([told(own.text), told(other.text)]).toEqual([1, 0])
    for (const one of [own, other]) {
      one.ended.abort()
      await one.done
    }
  })
})
