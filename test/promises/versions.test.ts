// Versions of a tool side by side on the wire, in both eras: two clients that are pinned apart, what each sees and is refused, and who pins
// what. Partners are callers like all others, with rules of their own.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { type ClientKind, connect, type Result } from '../peers/clients.ts'
import { writeConfig } from '../peers/config.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type Answer, legacy, modern, openSession } from '../peers/raw.ts'
import { type Scripted, scriptedStdio, startScripted, textResult } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const tool = (name: string, argument: string) => ({
  name,
  description: `makes ${argument}`,
  inputSchema: { type: 'object', properties: { [argument]: { type: 'string' } }, required: [argument] },
})
const tools = [tool('create_invoice_v1', 'amount'), tool('create_invoice_v2', 'lines'), tool('get_invoice', 'id')]
/** A child says which of its tools ran. */
const ranBy = "say({ id, result: { content: [{ type: 'text', text: name + ' ran' }] } })"
const publicUrl = 'https://mcp.example.com'

let servers: Scripted[]
let open: UnderTest
let guarded: UnderTest
let issuer: TestIssuer

beforeAll(async () => {
  const call = ({ name, answer }: { name: string; answer: (result: unknown) => void }) => answer(textResult(`${name} ran`))
  servers = await Promise.all((['modern', 'legacy'] as const).map((era) => startScripted({ era, tools, call })))
  const [billing, old] = servers as [Scripted, Scripted]
  issuer = await startIssuer()
  open = await startUnderTest({
    servers: {
      billing: { url: billing.url, era: 'modern' },
      old: { url: old.url, era: 'legacy' },
      child: scriptedStdio(tools, ranBy),
    },
    toolsets: { partner: { include: ['billing'], versions: { create_invoice: 1 } } },
    tools: { 'old/create_invoice': { versions: { alias: 1 } } },
  })
  guarded = await startUnderTest({
    publicUrl,
    auth: { issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }] },
    servers: { billing: { url: billing.url, era: 'modern' } },
    access: [
      { groups: ['partners'], use: ['billing/create_*'], versions: { 'billing/create_invoice': 1 } },
      { groups: ['staff'], use: ['*'] },
    ],
  })
}, 60_000)
afterAll(async () => {
  for (const one of [open, guarded]) await one.stop()
  for (const one of [...servers, issuer]) await one.close()
})

const text = (result: Result): string => result.content[0].text
const kindOf = ({ message }: Answer): unknown =>
  (message.result?._meta ?? message.error?.data)?.['signalbox.dev/fault']?.kind ?? message.error?.code

describe('two clients of one server', () => {
  const kinds: readonly ClientKind[] = ['v1 http', 'v1 sse', 'v2 legacy http', 'v2 modern http']
  for (const kind of kinds) {
    promise(['R82', 'R83'], `that pin different versions see and reach one each: ${kind}`, async () => {
      // The deprecated transport serves the aggregate alone.
      const at = kind === 'v1 sse' ? { prefix: 'billing__', mount: '' } : { prefix: '', mount: '/billing' }
      const clientOf = (pin: string) =>
        connect(kind, { base: open.base, mount: at.mount, headers: { 'signalbox-tool-versions': `billing/create_invoice=${pin}` } })
      const [one, two, free] = await Promise.all([clientOf('1'), clientOf('2'), connect(kind, { base: open.base, mount: at.mount })])
      const seen = async (client: typeof one) =>
        (await client.tools()).filter(({ name }) => at.mount !== '' || String(name).startsWith(at.prefix))
      const named = (...names: string[]) => names.map((name) => `${at.prefix}${name}`)
      const namesOf = (list: Result[]) => list.map(({ name }) => name)
      try {
        const [first, second] = [await seen(one), await seen(two)]
        expect(namesOf(first)).toEqual(named('create_invoice', 'create_invoice_v1', 'get_invoice'))
        expect(namesOf(second)).toEqual(named('create_invoice', 'create_invoice_v2', 'get_invoice'))
        expect(JSON.stringify(first)).not.toMatch(/lines|_v2/)
        expect(JSON.stringify(second)).not.toMatch(/amount|_v1/)
        expect(namesOf(await seen(free))).toEqual(named('create_invoice', 'create_invoice_v1', 'create_invoice_v2', 'get_invoice'))
        const name = `${at.prefix}create_invoice`
        expect(text(await one.call(name, { amount: '1' }))).toBe('create_invoice_v1 ran')
        expect(text(await two.call(name, { lines: '1' }))).toBe('create_invoice_v2 ran')
        expect(text(await free.call(name, { lines: '1' }))).toBe('create_invoice_v2 ran')
        for (const own of ['create_invoice_v1', 'create_invoice_v2']) {
          const args = own.endsWith('1') ? { amount: '1' } : { lines: '1' }
          expect(text(await free.call(`${at.prefix}${own}`, args))).toBe(`${own} ran`)
        }
        // What is refused names its own version alone.
        const wrong = JSON.stringify(await one.call(name, { lines: '1' }).catch((error: Error) => error.message))
        expect(wrong).toContain('amount')
        expect(wrong).not.toContain('_v2')
        await expect(one.call(`${at.prefix}create_invoice_v2`, { lines: '1' })).rejects.toThrow(/There is no tool/)
      } finally {
        for (const client of [one, two, free]) await client.close()
      }
    })
  }
})

for (const kind of ['v1 stdio', 'v2 modern stdio'] as const) {
  promise(['R82', 'R83'], `over stdio a client pins by _meta: ${kind}`, async () => {
    const file = writeConfig({ listen: '127.0.0.1:0', log: { level: 'silent' }, servers: { child: scriptedStdio(tools, ranBy) } })
    const command = { command: process.execPath, args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file.path], cwd: root }
    const client = await connect(kind, { base: '', command })
    try {
      const _meta = { 'signalbox.dev/toolVersions': { create_invoice: 1 } }
      const listed = await client.ask('tools/list', { _meta })
      expect(listed.tools.map(({ name }: Result) => name)).toEqual([
        'child__create_invoice',
        'child__create_invoice_v1',
        'child__get_invoice',
      ])
      expect(JSON.stringify(listed)).not.toMatch(/lines|_v2/)
      const params = { name: 'child__create_invoice', arguments: { amount: '1' }, _meta }
      expect(text(await client.ask('tools/call', params))).toBe('create_invoice_v1 ran')
      expect(await client.tools()).toHaveLength(4)
    } finally {
      await client.close()
      file.remove()
    }
  })
}

describe('who pins', () => {
  const list = async (mount: string, asking: { headers?: Record<string, string>; meta?: object; at?: UnderTest } = {}) => {
    const { headers = {}, meta = {}, at = open } = asking
    const { message } = await modern(at.base, 'tools/list', { _meta: meta }, { mount, headers })
    return (message.result.tools as Result[]).map(({ name }) => name as string)
  }
  const header = (value: string) => ({ 'signalbox-tool-versions': value })

  promise('R83', '_meta, the header before it, and the toolset before both', async () => {
    const meta = { 'signalbox.dev/toolVersions': { create_invoice: 2 } }
    expect(await list('/billing', { meta })).toEqual(['create_invoice', 'create_invoice_v2', 'get_invoice'])
    expect(await list('/billing', { meta, headers: header('create_invoice=1') })).toContain('create_invoice_v1')
    expect(await list('/partner', { meta, headers: header('create_invoice=2') })).toEqual([
      'billing__create_invoice',
      'billing__create_invoice_v1',
      'billing__get_invoice',
    ])
  })

  promise('R83', 'a request of a session by its own header or _meta', async () => {
    const session = await openSession(open.base, { mount: '/old' })
    const names = async (params: Record<string, unknown>, headers: Record<string, string> = {}) =>
      ((await legacy(open.base, session, 'tools/list', params, { mount: '/old', headers })).message.result.tools as Result[]).map(
        ({ name }) => name as string,
      )
    expect(await names({})).toHaveLength(4)
    expect(await names({}, header('create_invoice=1'))).toEqual(['create_invoice', 'create_invoice_v1', 'get_invoice'])
    expect(await names({ _meta: { 'signalbox.dev/toolVersions': { create_invoice: 2 } } })).toContain('create_invoice_v2')
    const call = (headers: Record<string, string>, args: object) =>
      legacy(open.base, session, 'tools/call', { name: 'create_invoice', arguments: args }, { mount: '/old', headers })
    expect(text((await call({}, { amount: '1' })).message.result)).toBe('create_invoice_v1 ran')
    expect(text((await call(header('create_invoice=2'), { lines: '1' })).message.result)).toBe('create_invoice_v2 ran')
    expect(kindOf(await call(header('create_invoice=3'), {}))).toBe('version_retired')
  })

  promise(['R83', 'R89'], 'rules of access: a partner has its part of the tools in its version, whatever it asks for', async () => {
    const token = async (groups: string[]) => ({
      authorization: `Bearer ${await issuer.sign({ sub: groups[0], groups, aud: `${publicUrl}/mcp/billing` })}`,
    })
    const partner = await token(['partners'])
    const staff = await token(['staff'])
    expect(await list('/billing', { at: guarded, headers: { ...partner, ...header('create_invoice=2') } })).toEqual([
      'create_invoice',
      'create_invoice_v1',
    ])
    expect(await list('/billing', { at: guarded, headers: staff })).toHaveLength(4)
    const call = (headers: Record<string, string>, name: string, args: object) =>
      modern(guarded.base, 'tools/call', { name, arguments: args }, { mount: '/billing', headers })
    expect(text((await call(partner, 'create_invoice', { amount: '1' })).message.result)).toBe('create_invoice_v1 ran')
    expect(text((await call(staff, 'create_invoice', { lines: '1' })).message.result)).toBe('create_invoice_v2 ran')
    const refused = await call(partner, 'create_invoice_v2', { lines: '1' })
    expect(kindOf(refused)).toBe('unknown_tool')
    expect(refused.text.replaceAll('create_invoice_v2', '')).not.toMatch(/_v2|lines/)
  })

  promise('R88', 'servers of this machine have the same discipline as those of others', async () => {
    expect(await list('/child', { headers: header('create_invoice=1') })).toEqual(['create_invoice', 'create_invoice_v1', 'get_invoice'])
  })

  it('of a version that does not exist is refused by the name of those that do', async () => {
    const answer = await modern(
      open.base,
      'tools/call',
      { name: 'create_invoice', arguments: {} },
      { mount: '/billing', headers: header('create_invoice=7') },
    )
    expect(answer.message.result).toMatchObject({ isError: true })
    expect(text(answer.message.result)).toMatch(/version 7, which is pinned, does not exist.*There are 1, 2\./)
    expect(kindOf(answer)).toBe('version_retired')
  })

  it.each(['create_invoice', 'create_invoice=x', 'create_invoice=1,create_invoice=2'])('not %j', async (value) => {
    const answers = [
      await modern(open.base, 'tools/list', {}, { mount: '/billing', headers: header(value) }),
      await legacy(open.base, await openSession(open.base, { mount: '/old' }), 'tools/list', {}, { mount: '/old', headers: header(value) }),
      await modern(open.base, 'tools/list', { _meta: { 'signalbox.dev/toolVersions': value } }, { mount: '/billing' }),
    ]
    for (const { message } of answers) {
      expect(message.error).toMatchObject({ code: -32602, message: expect.stringMatching(/Signalbox-Tool-Versions|toolVersions/) })
    }
  })
})
