// What happens in a running gateway, told as it happens: the events of the admin door, and `signalbox tap` on top of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hearAdmin } from '../../src/operate/client/admin-client.ts'
import { startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { type Closers, publicUrl } from '../peers/admitting.ts'
import type { Result } from '../peers/clients.ts'
import { type Ran, signalbox } from '../peers/command-line.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-events-'))
const closers: Closers = []
let up: Scripted
let idp: TestIssuer
let gateway: UnderTest
const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'

beforeAll(async () => {
  const call = ({ answer }: { answer(result: unknown): void }): void => answer(textResult('done'))
  up = await startScripted({ tools: [plainTool('book'), plainTool('find')], call })
  idp = await startIssuer()
  gateway = await startUnderTest({
    publicUrl,
    auth: { issuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri }] },
    admin: {
      roles: [
        { groups: ['security'], role: 'auditor' },
        { groups: ['support'], role: 'operator' },
      ],
    },
    servers: { up: { url: up.url, era: 'legacy' } },
  })
}, 60_000)
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})
afterAll(async () => {
  await gateway?.stop()
  await up?.close()
  await idp?.close()
  rmSync(folder, { recursive: true, force: true })
})

const tokenOf = (groups: string[]): Promise<string> => idp.sign({ aud: `${publicUrl}/admin/v1`, groups })

interface Listening {
  readonly events: { readonly event: string; readonly data: Result }[]
  readonly res: IncomingMessage
  ended: boolean
}

async function listen(at: Pick<UnderTest, 'admin'>, token: string | undefined, query = ''): Promise<Listening> {
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const req = get(`${at.admin}/admin/v1/events${query}`, { agent: false, headers }, resolve)
    req.on('error', reject)
    closers.push(async () => void req.destroy())
  })
  expect([res.statusCode, res.headers['content-type']]).toEqual([200, 'text/event-stream'])
  const listening: Listening = { events: [], res, ended: false }
  let text = ''
  res.setEncoding('utf8')
  res.on('data', (chunk: string) => {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, event] = /^event: (.*)$/m.exec(block) ?? []
      const [, data] = /^data: (.*)$/m.exec(block) ?? []
      if (event !== undefined && data !== undefined) listening.events.push({ event, data: JSON.parse(data) })
    }
  })
  res.on('end', () => {
    listening.ended = true
  })
  res.on('error', () => undefined)
  return listening
}

async function call(name: string, args: object = {}, sub = 'alice', run = 'run-1'): Promise<void> {
  const token = await idp.sign({ aud: `${publicUrl}/mcp`, sub })
  await modern(
    gateway.base,
    'tools/call',
    { name: `up__${name}`, arguments: args, _meta: { 'signalbox.dev/run': run } },
    {
      headers: { authorization: `Bearer ${token}` },
    },
  )
}

describe('the events of the admin door', () => {
  promise(['R29'], 'tell of each call as it ends: who, what, how; what was sent is for auditors, without secrets', async () => {
    const operator = await listen(gateway, await tokenOf(['support']))
    const auditor = await listen(gateway, await tokenOf(['security']), '?types=call')
    await call('book', { title: 'A room', password: 'Xy7-plain-words', note: `use ${secret} for it`, list: [{ n: 1 }] })
    expect(await eventually(() => operator.events.length === 1 && auditor.events.length === 1)).toBe(true)
    const metadata = {
      method: 'tools/call',
      server: 'up',
      item: 'book',
      principal: { issuer: idp.issuer, subject: 'alice' },
      run: 'run-1',
      outcome: 'complete',
      attempts: 1,
      delivery: 'delivered',
    }
    expect(operator.events).toMatchObject([{ event: 'call', data: metadata }])
    expect(operator.events[0]?.data).not.toHaveProperty('arguments')
    expect(JSON.stringify(operator.events)).not.toMatch(/A room|plain-words/)
    expect(auditor.events[0]?.data).toMatchObject({
      ...metadata,
      arguments: {
        title: 'A room',
        password: expect.stringMatching(/^\[/),
        note: expect.stringMatching(/^use \[.*\] for it$/),
        list: [{ n: 1 }],
      },
    })
    expect(JSON.stringify(auditor.events)).not.toContain(secret)
    expect(JSON.stringify(auditor.events)).not.toContain('plain-words')
  })

  test('are narrowed by tool, run and principal', async () => {
    const auditor = await tokenOf(['security'])
    const byTool = await listen(gateway, auditor, '?types=call&tool=up/boo*')
    const byRun = await listen(gateway, auditor, '?types=call&run=run-2')
    const byPrincipal = await listen(gateway, auditor, '?types=call&principal=bob')
    await call('book')
    await call('find', {}, 'bob')
    await call('find', {}, 'alice', 'run-2')
    expect(await eventually(() => byTool.events.length + byRun.events.length + byPrincipal.events.length === 3)).toBe(true)
    expect(byTool.events[0]?.data.item).toBe('book')
    expect(byRun.events[0]?.data).toMatchObject({ item: 'find', run: 'run-2' })
    expect(byPrincipal.events[0]?.data.principal.subject).toBe('bob')
    const { status, text } = await send(`${gateway.admin}/admin/v1/events?types=calls`, 'GET', undefined, {
      headers: { authorization: `Bearer ${auditor}` },
    })
    expect([status, JSON.parse(text).errors[0].parameter]).toEqual([400, 'types'])
  })

  test('tell of the state of servers as it changes, and end with the door', async () => {
    const own = await startUnderTest({ servers: { up: { url: up.url, era: 'legacy' } } })
    const states = await listen(own, undefined, '?types=upstream')
    await send(`${own.admin}/admin/v1/upstreams/up/actions`, 'POST', '{"action":"drain"}')
    expect(await eventually(() => states.events.length > 0)).toBe(true)
    expect(states.events[0]).toMatchObject({ event: 'upstream', data: { name: 'up', state: 'drained', before: 'ready' } })
    expect(states.ended).toBe(false)
    await own.stop()
    expect(await eventually(() => states.ended)).toBe(true)
  })

  test('no more than 32 listen at a time', async () => {
    const own = await startUnderTest({ servers: {} })
    closers.push(own.stop)
    for (let n = 0; n < 32; n += 1) await listen(own, undefined)
    const refused = await send(`${own.admin}/admin/v1/events`, 'GET', undefined)
    expect([refused.status, refused.headers['content-type'], refused.headers['retry-after']]).toEqual([
      503,
      'application/problem+json',
      '10',
    ])
    await closers.pop()?.()
    expect(
      await eventually(async () => {
        const again = await new Promise<number | undefined>((resolve) => {
          const req = get(`${own.admin}/admin/v1/events`, { agent: false }, (res) => {
            resolve(res.statusCode)
            req.destroy()
          })
          req.on('error', () => undefined)
        })
        return again === 200
      }),
    ).toBe(true)
  })
})

describe('signalbox tap', () => {
  const tap = (own: UnderTest, ...args: string[]): Promise<Ran> => signalbox(folder, 'tap', '--url', own.admin, ...args)

  promise(['R29'], 'watches calls as they end, and ends by itself after so many', async () => {
    const own = await startUnderTest({ servers: { up: { url: up.url, era: 'legacy' } } })
    closers.push(own.stop)
    let done: Ran | undefined
    void tap(own, '--tool', 'up/book', '--count', '2', '--for', '50s', '--json').then((ran) => {
      done = ran
    })
    const ask = (name: string) => modern(own.base, 'tools/call', { name: `up__${name}`, arguments: { token: secret, n: 7 } })
    expect(
      await eventually(async () => {
        await ask('find')
        await ask('book')
        return done !== undefined
      }),
    ).toBe(true)
    const { code, out, err } = done as Ran
    expect([code, err]).toEqual([0, ''])
    const calls = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(calls).toHaveLength(2)
    for (const one of calls)
      expect(one).toMatchObject({
        server: 'up',
        item: 'book',
        outcome: 'complete',
        arguments: { token: expect.stringMatching(/^\[/), n: 7 },
      })
  })

  test('ends by itself when its time is over, and says what it saw', async () => {
    const own = await startUnderTest({ servers: {} })
    closers.push(own.stop)
    expect(await tap(own, '--for', '200ms')).toEqual({ code: 0, out: '', err: 'No call within 200ms.\n' })
  })

  test('says why where it cannot', async () => {
    const own = await startUnderTest({ servers: {} })
    const away = await tap({ ...own, admin: 'http://127.0.0.1:9' })
    expect([away.code, away.err]).toEqual([1, expect.stringContaining('No gateway answers at http://127.0.0.1:9')])
    for (const args of [
      ['--count', '0'],
      ['--for', 'soon'],
      ['--for', '2h'],
    ])
      expect((await tap(own, ...args)).code).toBe(2)
    await own.stop()
  })

  test('is told where the gateway ends before it', async () => {
    const own = await startUnderTest({ servers: { up: { url: up.url, era: 'legacy' } } })
    let heard = 0
    const over = hearAdmin(
      own.admin,
      '/admin/v1/events',
      () => {
        heard += 1
      },
      new AbortController().signal,
    )
    const ask = () => modern(own.base, 'tools/call', { name: 'up__book', arguments: {} })
    expect(await eventually(async () => (await ask()) && heard > 0)).toBe(true)
    await own.stop()
    expect(await over).toBe(`${own.admin} ended its events.`)
  })
})
