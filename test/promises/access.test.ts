// Rules of access on the wire: what each caller sees of a real server with all kinds of items, what it may use of it, and how it is told
// what it lacks.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { type Answer, legacy, metric, modern, openSession, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

let issuer: TestIssuer
let tracker: Scripted
let gateway: UnderTest
const publicUrl = 'https://mcp.example.com'
const tools = ['get_ticket', 'list_tickets', 'create_ticket', 'delete_ticket'].map((name) => plainTool(name))

beforeAll(async () => {
  issuer = await startIssuer()
  tracker = await startScripted({ era: 'modern', tools })
  gateway = await startUnderTest({
    publicUrl,
    auth: { issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }] },
    servers: { tracker: { url: tracker.url, era: 'modern' }, all: everything },
    access: [
      { groups: ['support'], scopes: ['tickets:read'], use: ['tracker/get_*', 'tracker/list_*'] },
      {
        name: 'writers',
        groups: ['support'],
        scopes: ['tickets:read', 'tickets:write'],
        use: ['tracker/*'],
        when: 'args.project == "SUP"',
      },
      { groups: ['testers'], use: ['all/echo', 'all/simple-prompt', 'all/demo://resource/static/document/*', 'all/args-prompt'] },
      { groups: ['admins'], use: ['*'] },
    ],
  })
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  for (const one of [tracker, issuer]) await one.close()
})

interface Who {
  readonly sub?: string
  readonly groups: readonly string[]
  readonly scope?: string
}

const admin: Who = { sub: 'root', groups: ['admins'] }
const tester: Who = { sub: 'tess', groups: ['testers'] }
const reader: Who = { sub: 'ruth', groups: ['support'], scope: 'tickets:read' }
const writer: Who = { sub: 'walt', groups: ['support'], scope: 'tickets:read tickets:write' }
const stranger: Who = { sub: 'eve', groups: ['sales'], scope: 'tickets:read tickets:write' }

async function bearer(who: Who, mount = ''): Promise<Record<string, string>> {
  const token = await issuer.sign({ sub: who.sub, groups: who.groups, scope: who.scope, aud: `${publicUrl}/mcp${mount}` })
  return { authorization: `Bearer ${token}` }
}

async function ask(who: Who, method: string, params: Record<string, unknown> = {}, mount = ''): Promise<Answer> {
  return modern(gateway.base, method, params, { mount, headers: await bearer(who, mount) })
}

const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']

async function names(who: Who, method: string, member: string, key = 'name'): Promise<string[]> {
  const { message } = await ask(who, method)
  return (message.result[member] as Result[]).map((item) => item[key] as string)
}

describe('lists', () => {
  promise('R26', 'show each caller what it may use, and nothing else', async () => {
    expect(await names(stranger, 'tools/list', 'tools')).toEqual([])
    expect(await names(reader, 'tools/list', 'tools')).toEqual(tools.map(({ name }) => `tracker__${name}`))
    expect(await names(tester, 'tools/list', 'tools')).toEqual(['all__echo'])
    expect(await names(tester, 'prompts/list', 'prompts')).toEqual(['all__simple-prompt', 'all__args-prompt'])
    const resources = await names(tester, 'resources/list', 'resources', 'uri')
    expect(resources.length).toBeGreaterThan(0)
    for (const uri of resources) expect(uri).toMatch(/^demo:\/\/resource\/static\/document\//)
    expect(await names(tester, 'resources/templates/list', 'resourceTemplates', 'uriTemplate')).toEqual([])
    expect((await names(admin, 'tools/list', 'tools')).length).toBeGreaterThan(10)
    expect((await names(admin, 'resources/templates/list', 'resourceTemplates', 'uriTemplate')).length).toBeGreaterThan(1)
  })

  test('and instructions are those of servers that the caller can have anything of', async () => {
    const said = async (who: Who) => String((await ask(who, 'server/discover')).message.result.instructions ?? '')
    expect(await said(tester)).toContain('## all')
    expect(await said(reader)).not.toContain('## all')
  })

  promise(['R25', 'R26'], 'are what can be called: every tool of every caller, by calling it (T37)', async () => {
    for (const who of [stranger, reader, writer, tester, admin]) {
      const listed = new Set(await names(who, 'tools/list', 'tools'))
      for (const { name } of tools) {
        const visible = `tracker__${name}`
        const answer = await ask(who, 'tools/call', { name: visible, arguments: { project: 'SUP' } })
        const kind = faultOf(answer)?.kind
        expect([who.sub, visible, kind === undefined || kind === 'insufficient_scope']).toEqual([who.sub, visible, listed.has(visible)])
      }
    }
  })
})

describe('a call', () => {
  promise(['R25', 'R27'], 'of a write tool with a read token is a 403 that names all scopes, and no server hears of it', async () => {
    const before = tracker.count('tools/call')
    const answer = await ask(reader, 'tools/call', { name: 'tracker__delete_ticket', arguments: { project: 'SUP' } })
    expect(answer.status).toBe(403)
    const challenge = String(answer.headers['www-authenticate'])
    expect(challenge).toMatch(/^Bearer .*error="insufficient_scope"/)
    expect(challenge).toContain('scope="tickets:read tickets:write"')
    expect(challenge).toContain(`resource_metadata="${publicUrl}/.well-known/oauth-protected-resource/mcp"`)
    expect(faultOf(answer)).toMatchObject({ kind: 'insufficient_scope', category: 'authentication', side_effect: 'none' })
    expect(answer.message.error.message).toContain('tickets:write')
    expect(tracker.count('tools/call')).toBe(before)
    expect((await ask(writer, 'tools/call', { name: 'tracker__delete_ticket', arguments: { project: 'SUP' } })).status).toBe(200)
    expect(tracker.count('tools/call')).toBe(before + 1)
  })

  promise('R27', 'in a session says the same', async () => {
    const headers = await bearer(reader)
    const session = await openSession(gateway.base, { headers })
    const answer = await legacy(
      gateway.base,
      session,
      'tools/call',
      { name: 'tracker__delete_ticket', arguments: { project: 'SUP' } },
      { headers },
    )
    expect([answer.status, faultOf(answer)?.kind]).toEqual([403, 'insufficient_scope'])
    expect(String(answer.headers['www-authenticate'])).toContain('scope="tickets:read tickets:write"')
  })

  promise('R26', 'of what no rule grants says so to the agent, in words, and no server hears of it', async () => {
    const before = tracker.count('tools/call')
    const answer = await ask(stranger, 'tools/call', { name: 'tracker__get_ticket', arguments: {} })
    expect([answer.status, answer.message.result.isError]).toEqual([200, true])
    expect(answer.message.result.content[0].text).toMatch(/may not use the tool tracker__get_ticket/)
    expect(faultOf(answer)).toMatchObject({ kind: 'forbidden', side_effect: 'none', retryable: false })
    expect(tracker.count('tools/call')).toBe(before)
  })

  test('whose arguments the rule does not allow is refused before the schema is looked at', async () => {
    const answer = await ask(writer, 'tools/call', { name: 'tracker__delete_ticket', arguments: { project: 'OPS' } })
    expect(faultOf(answer)?.kind).toBe('forbidden')
    expect(answer.message.result.content[0].text).toContain('the condition of writers does not hold')
  })

  test.each([
    [
      'a prompt',
      'prompts/get',
      { name: 'all__simple-prompt' },
      { name: 'all__completable-prompt', arguments: { department: 'Engineering', name: 'Alice' } },
    ],
    ['a resource', 'resources/read', { uri: 'demo://resource/static/document/architecture.md' }, { uri: 'demo://resource/dynamic/text/1' }],
    [
      'a completion',
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'all__args-prompt' }, argument: { name: 'city', value: 'P' } },
      { ref: { type: 'ref/prompt', name: 'all__completable-prompt' }, argument: { name: 'department', value: 'E' } },
    ],
  ])('for %s goes by the same rules', async (_what, method, granted, denied) => {
    expect(faultOf(await ask(tester, method, granted))?.kind).not.toBe('forbidden')
    expect(faultOf(await ask(tester, method, denied))?.kind).toBe('forbidden')
    expect(faultOf(await ask(admin, method, denied))?.kind).toBeUndefined()
  })
})

describe('changes of lists', () => {
  test('are told to those whose lists change, and to nobody else', async () => {
    const ours = [plainTool('get_ticket')]
    const up = await startScripted({ era: 'modern', tools: ours })
    const changing = await startUnderTest({
      publicUrl,
      auth: { issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }] },
      servers: { tracker: { url: up.url, era: 'modern' } },
      access: [
        { groups: ['support'], use: ['tracker/get_*'] },
        { groups: ['admins'], use: ['*'] },
      ],
    })
    const ended = new AbortController()
    const heard: Record<string, string> = {}
    const listen = async (who: Who): Promise<void> => {
      const params = { notifications: { toolsListChanged: true } }
      const onText = (text: string): void => {
        heard[who.sub ?? ''] = `${heard[who.sub ?? ''] ?? ''}${text}`
      }
      await modern(changing.base, 'subscriptions/listen', params, { headers: await bearer(who), signal: ended.signal, onText }).catch(
        () => undefined,
      )
    }
    const both = [listen(reader), listen(admin)]
    expect(await eventually(() => Object.keys(heard).length === 2)).toBe(true)
    ours.push(plainTool('drop_all'))
    // A name that nobody knows has the list read once more.
    await modern(changing.base, 'tools/call', { name: 'tracker__drop_all', arguments: {} }, { headers: await bearer(admin) })
    expect(await eventually(() => heard.root?.includes('tools/list_changed') === true)).toBe(true)
    ours.push(plainTool('get_more'))
    const more = async () =>
      modern(changing.base, 'tools/call', { name: 'tracker__get_more', arguments: {} }, { headers: await bearer(admin) })
    expect(await eventually(async () => faultOf(await more()) === undefined)).toBe(true)
    expect(await eventually(() => heard.ruth?.includes('tools/list_changed') === true)).toBe(true)
    const told = (who: string): number => heard[who]?.split('tools/list_changed').length ?? 0
    expect([told('ruth'), told('root')]).toEqual([2, 3])
    ended.abort()
    await Promise.all(both)
    await changing.stop()
    await up.close()
  })
})

test('metadata and the first challenge name the scopes of the rules: all, or those of the first for clients that step up', async () => {
  const metadata = JSON.parse((await send(`${gateway.base}/.well-known/oauth-protected-resource/mcp`, 'GET', undefined)).text)
  expect(metadata.scopes_supported).toEqual(['tickets:read', 'tickets:write'])
  const first = await modern(gateway.base, 'tools/list')
  expect(String(first.headers['www-authenticate'])).toContain('scope="tickets:read"')
})

test('refusals are counted by server and kind', async () => {
  const before = (await metric(gateway.admin, 'signalbox_access_denied_total')).get('upstream="tracker",kind="forbidden"') ?? 0
  await ask(stranger, 'tools/call', { name: 'tracker__get_ticket', arguments: {} })
  expect((await metric(gateway.admin, 'signalbox_access_denied_total')).get('upstream="tracker",kind="forbidden"')).toBe(before + 1)
})
