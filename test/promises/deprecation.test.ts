// The end of a version on a real gateway: what callers of both eras are told before it, who still uses it, and that nothing is removed while
// somebody depends on it unless an operator takes that on.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { connect, type Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type Answer, legacy, modern, openSession, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-versions-'))
const dayMs = 86_400_000
const day = (days: number): string => new Date(Date.now() + days * dayMs).toISOString().slice(0, 10)
let server: Scripted
let gateway: UnderTest
let config: Record<string, unknown>

beforeAll(async () => {
  const names = ['pay_v1', 'pay_v2', 'send_v1', 'send_v2', 'gone_v1', 'gone_v2', 'dark_v1', 'dark_v2', 'old']
  server = await startScripted({
    era: 'modern',
    tools: names.map((name) => plainTool(name, { description: `does ${name}` })),
    call: ({ name, answer }) => answer(textResult(`${name} ran`)),
  })
  config = {
    stateDir: join(folder, 'state'),
    servers: { up: { url: server.url, era: 'modern' } },
    toolsets: { partner: { include: ['up'], versions: { pay: 1 } } },
    tools: {
      'up/gone': { versions: { deprecated: { 1: { from: day(-200), sunset: day(-1), replacement: 'gone_v2' } } } },
      'up/dark': {
        versions: {
          deprecated: {
            1: {
              from: day(-10),
              sunset: day(90),
              replacement: 'dark_v2',
              brownouts: [
                { at: day(-1), minutes: 1_440 },
                { at: day(0), minutes: 1_440 },
              ],
            },
          },
        },
      },
      'up/old': { deprecated: { from: day(-10), sunset: day(100), replacement: 'pay' } },
    },
  }
  gateway = await startUnderTest(config)
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const call = (name: string, at = gateway): Promise<Answer> => modern(at.base, 'tools/call', { name, arguments: {} }, { mount: '/up' })
const faultOf = ({ message }: Answer): Result => message.result?._meta?.['signalbox.dev/fault']
const deprecate = async (path: string, body: Record<string, unknown>): Promise<{ status: number; body: Result }> => {
  const { status, text } = await send(`${gateway.admin}/admin/v1/tools/up/${path}/deprecate`, 'POST', JSON.stringify(body))
  return { status, body: JSON.parse(text) }
}
const usage = async (path: string): Promise<Result> =>
  JSON.parse((await send(`${gateway.admin}/admin/v1/tools/up/${path}/usage`, 'GET', undefined)).text)
const names = async (at = gateway): Promise<string[]> =>
  ((await modern(at.base, 'tools/list', {}, { mount: '/up' })).message.result.tools as Result[]).map(({ name }) => name)

describe('a version that ends by configuration', () => {
  promise('R87', 'says so in lists and results of both eras', async () => {
    for (const kind of ['v1 http', 'v2 modern http'] as const) {
      const client = await connect(kind, { base: gateway.base, mount: '/up' })
      const listed = (await client.tools()).find(({ name }) => name === 'old')
      expect(listed.description).toBe(`does old [Deprecated since ${day(-10)}; it is removed on ${day(100)}. Use pay instead.]`)
      const notice = { from: day(-10), sunset: day(100), replacement: 'pay' }
      expect(listed._meta['signalbox.dev/deprecation']).toEqual(notice)
      expect((await client.call('old'))._meta['signalbox.dev/deprecation']).toEqual(notice)
      expect((await client.call('pay_v1'))._meta?.['signalbox.dev/deprecation']).toBeUndefined()
      await client.close()
    }
  })

  promise('R87', 'is refused in a brownout and after its sunset, with its replacement, and reaches no server', async () => {
    const session = await openSession(gateway.base, { mount: '/up' })
    const before = server.count('tools/call')
    for (const name of ['dark_v1', 'gone_v1']) {
      const replacement = name.replace('v1', 'v2')
      const old = await legacy(gateway.base, session, 'tools/call', { name, arguments: {} }, { mount: '/up' })
      for (const answer of [await call(name), old]) {
        expect(faultOf(answer)).toMatchObject({ kind: 'version_retired', side_effect: 'none', detail: { replacement } })
        expect(answer.message.result.content[0].text).toContain(`Use ${replacement} instead`)
      }
    }
    expect(server.count('tools/call')).toBe(before)
    expect(await names()).toContain('dark_v1')
    expect(await names()).not.toContain('gone_v1')
    expect((await call('gone')).message.result.content[0].text).toBe('gone_v2 ran')
  })
})

describe('a version that an operator ends', () => {
  promise('R87', 'is not removed while callers are pinned to it', async () => {
    const { status, body } = await deprecate('pay', { version: 1, sunset: day(120), replacement: 'pay_v2' })
    expect(status).toBe(409)
    expect(body).toMatchObject({ objections: [{ kind: 'pinned', reason: expect.stringContaining('toolsets.partner.versions') }] })
    expect(await names()).toContain('pay_v1')
    expect((await usage('pay_v1')).versions).toEqual([{ tool: 'pay_v1', version: 1, deprecation: null }])
  })

  promise('R87', 'nor before the date, nor with calls of the last days; who they are is known by client and version', async () => {
    const client = await connect('v2 modern http', { base: gateway.base, mount: '/up' }, {}, 'agent-of-sales')
    await client.call('send_v1')
    await client.call('send_v1')
    await client.call('send')
    await client.close()
    const { status, body } = await deprecate('send_v1', { sunset: day(7) })
    expect(status).toBe(409)
    expect(body.objections.map(({ kind }: Result) => kind)).toEqual(['before_date', 'in_use'])
    expect((await usage('send')).usage).toMatchObject([
      { version: 2, client: 'agent-of-sales', calls: 1 },
      { version: 1, client: 'agent-of-sales', calls: 2, subject: 'anonymous' },
    ])
    expect((await deprecate('gone_v1', { sunset: day(300), override: true, reason: 'x' })).body.objections).toMatchObject([
      { kind: 'configured' },
    ])
  })

  promise('R87', 'unless an operator takes it on, which the audit has; the plan outlives the gateway', async () => {
    const wanted = { version: 1, from: day(-1), sunset: day(0), replacement: 'send_v2', override: true }
    expect((await deprecate('send', wanted)).status).toBe(400)
    const done = await deprecate('send', { ...wanted, reason: 'sales has moved' })
    expect(done.status).toBe(200)
    expect(done.body.overridden.map(({ kind }: Result) => kind)).toEqual(['before_date', 'in_use'])
    expect(faultOf(await call('send_v1'))).toMatchObject({ kind: 'version_retired', detail: { replacement: 'send_v2' } })
    expect(await names()).not.toContain('send_v1')
    await gateway.stop()
    gateway = await startUnderTest(config)
    expect(faultOf(await call('send_v1'))?.kind).toBe('version_retired')
    expect((await usage('send_v2')).usage).toMatchObject([{ client: 'agent-of-sales', calls: 1 }])
    expect((await deprecate('send', { version: 1, cancel: true })).status).toBe(200)
    expect(await names()).toContain('send_v1')
  })
})
