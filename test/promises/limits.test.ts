// Limits on what agents use, through every door: the upstream sees at most the limit, the rest get an answer that an agent can read, and
// nobody else notices.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect } from 'vitest'
import { type ClientKind, connect, type Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { writeConfig } from '../peers/config.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, type Script, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const tools = [plainTool('book'), plainTool('cancel')]
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function upstream(script: Script = {}): Promise<Scripted> {
  const up = await startScripted({ tools, call: ({ answer }) => answer(textResult('done')), ...script })
  closers.push(up.close)
  return up
}

async function gateway(config: Record<string, unknown>): Promise<UnderTest> {
  const running = await startUnderTest(config)
  closers.push(running.stop)
  return running
}

async function pair(config: Record<string, unknown>, script: Script = {}, own: Record<string, unknown> = {}) {
  const up = await upstream(script)
  const running = await gateway({ ...config, servers: { up: { url: up.url, era: 'legacy', ...own } } })
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<Result> => {
    const { message } = await modern(running.base, 'tools/call', { name, arguments: args }, { mount: '/up' })
    return message.result
  }
  const sent = (name: string): number => up.seen.filter(({ method, params }) => method === 'tools/call' && params.name === name).length
  return { up, running, call, sent }
}

const faultOf = (result: Result): Result => result._meta?.['signalbox.dev/fault']

async function connected(kind: ClientKind, base: string, file: string) {
  const command = { command: process.execPath, args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file], cwd: root }
  const client = await connect(kind, { base, mount: '/up', command })
  closers.push(() => client.close())
  return client
}

describe('a hundred identical calls', () => {
  for (const kind of ['v2 modern http', 'v1 http', 'v1 sse', 'v1 stdio', 'v2 modern stdio'] as const) {
    promise(['R94', 'R95', 'R90'], `${kind}: the upstream sees the limit, the rest are answered in words`, async () => {
      const up = await upstream()
      const config = { servers: { up: { url: up.url, era: 'legacy' } }, loops: { identical: '50/10s' } }
      const file = writeConfig({ ...config, log: { level: 'silent' } })
      closers.push(() => file.remove())
      const running = await gateway(config)
      const client = await connected(kind, running.base, file.path)
      const name = (await client.tools()).map((tool) => tool.name as string).find((one) => one.endsWith('book')) ?? ''
      const answers = await Promise.all(Array.from({ length: 100 }, () => client.call(name, { day: 'friday' })))
      expect(up.count('tools/call')).toBe(50)
      const refused = answers.filter(({ isError }) => isError === true)
      expect(refused).toHaveLength(50)
      for (const answer of refused) {
        expect(faultOf(answer)).toMatchObject({
          kind: 'loop_detected',
          category: 'tool',
          side_effect: 'none',
          retry_after_ms: expect.any(Number),
          detail: { scope: 'run', limit: 50, used: 50, window_ms: 10_000, resets_at: expect.stringMatching(/^20\d\d-.*Z$/) },
        })
        expect(answer.content[0].text).toContain('Do not repeat it')
      }
      expect((await client.call(name, { day: 'monday' })).isError).not.toBe(true)
      expect((await client.call(name.replace('book', 'cancel'), { day: 'friday' })).isError).not.toBe(true)
    })
  }

  promise(['R96', 'R94'], 'a thousand more by an agent that does not listen change nothing for others', async () => {
    const { running, call, sent } = await pair({ loops: { identical: '10/1m' }, tools: { 'up/book': { rate: '20/1m' } } })
    for (let i = 0; i < 1_010; i += 1) await call('book')
    expect(sent('book')).toBe(10)
    for (let i = 0; i < 10; i += 1) expect((await call('book', { i })).isError).toBeUndefined()
    expect(faultOf(await call('book', { i: 10 }))).toMatchObject({ kind: 'rate_limited', detail: { scope: 'tool', limit: 20, used: 20 } })
    expect((await call('cancel')).isError).toBeUndefined()
    const counted = await metric(running.admin, 'signalbox_limit_total')
    expect(counted.get('scope="run",kind="loop_detected"')).toBe(1_000)
    expect(counted.get('scope="tool",kind="rate_limited"')).toBe(1)
  })

  promise('R90', 'are let through where an operator says that repetition is meant', async () => {
    const { call, sent } = await pair({ loops: { identical: 'off' } })
    for (let i = 0; i < 100; i += 1) expect((await call('book')).isError).toBeUndefined()
    expect(sent('book')).toBe(100)
  })
})

describe('each limit by itself', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>])[] = [
    ['rate', { tools: { 'up/book': { rate: '10/10s' } } }, {}, { kind: 'rate_limited', retryable: true, detail: { scope: 'tool' } }],
    ['per principal', { tools: { up: { ratePerPrincipal: '10/10s' } } }, {}, { kind: 'rate_limited', detail: { scope: 'principal' } }],
    ['per run', { tools: { '*': { ratePerRun: '10/10s' } } }, {}, { kind: 'rate_limited', detail: { scope: 'run' } }],
    ['run budget', { budgets: { run: { calls: 10 } } }, {}, { kind: 'budget_exhausted', retryable: false, detail: { scope: 'run' } }],
    [
      'principal budget',
      { budgets: { principal: { calls: '10/1h' } } },
      {},
      { kind: 'budget_exhausted', retryable: true, detail: { scope: 'principal', window_ms: 3_600_000 } },
    ],
  ]
  for (const [what, config, own, fault] of cases) {
    promise(['R91', 'R92', 'R93'], `${what}: ten calls are sent, the others are refused by it`, async () => {
      const { call, sent } = await pair(config, {}, own)
      const answers: Result[] = []
      for (let i = 0; i < 15; i += 1) answers.push(await call('book', { i }))
      expect(sent('book')).toBe(10)
      for (const answer of answers.slice(10)) expect(faultOf(answer)).toMatchObject(fault)
      expect(answers.slice(0, 10).every(({ isError }) => isError === undefined)).toBe(true)
    })
  }

  promise('R92', 'the rate of a server counts its tools and resources together', async () => {
    const { running, call, sent } = await pair({}, { resources: [{ uri: 'file:///a', name: 'a' }], read: () => 'text' }, { rate: '12/1m' })
    const read = () => modern(running.base, 'resources/read', { uri: 'file:///a' }, { mount: '/up' })
    for (let i = 0; i < 6; i += 1) {
      expect((await call('book', { i })).isError).toBeUndefined()
      expect((await read()).message.result).toBeDefined()
    }
    expect(faultOf(await call('cancel'))).toMatchObject({ kind: 'rate_limited', detail: { scope: 'upstream', limit: 12, upstream: 'up' } })
    const { status, message } = await read()
    expect([status, message.error.code]).toEqual([200, -32603])
    expect(message.error.data['signalbox.dev/fault']).toMatchObject({ kind: 'rate_limited', retry_after_ms: expect.any(Number) })
    expect(sent('book') + sent('cancel')).toBe(6)
  })
})

describe('what calls use beside being calls', () => {
  promise(['R95', 'R90'], 'tokens and cost are counted, told of before they are used up, and refused after', async () => {
    const script: Script = { call: ({ answer }) => answer(textResult('one two three four five six seven eight nine ten '.repeat(20))) }
    const costs = {
      budgets: { run: { cost: 5 } },
      tools: { 'up/book': { cost: { call: 1, token: 0 } } },
      prices: { currency: 'EUR', perToken: 9 },
    }
    const { call, sent } = await pair(costs, script)
    const answers: Result[] = []
    for (let i = 0; i < 8; i += 1) answers.push(await call('book', { i }))
    expect(sent('book')).toBe(5)
    expect(answers[2]._meta?.['signalbox.dev/budget']).toBeUndefined()
    expect(answers[3]._meta['signalbox.dev/budget']).toEqual([{ scope: 'run', unit: 'cost', limit: 5, used: 4, left: 1 }])
    expect(answers[5].content[0].text).toContain('5 of 5 EUR')
    // 9 EUR a token.
    expect(faultOf(await call('cancel'))).toMatchObject({ kind: 'budget_exhausted', detail: { unit: 'cost' } })
    const tokens = await pair({ budgets: { run: { tokens: 1000 } } }, script)
    let calls = 0
    while ((await tokens.call('book', { calls })).isError === undefined) calls += 1
    // Each answer has some 220, and a call is refused that would go beyond.
    expect(calls).toBeGreaterThan(1)
    expect(calls).toBeLessThan(5)
    expect(faultOf(await tokens.call('book'))).toMatchObject({
      kind: 'budget_exhausted',
      detail: { scope: 'run', unit: 'tokens', limit: 1000 },
    })
  })

  promise('R90', 'a token costs what prices say where the tool says nothing', async () => {
    const free = await pair({ budgets: { run: { cost: 5 } } })
    for (let i = 0; i < 10; i += 1) expect((await free.call('book', { i })).isError).toBeUndefined()
    const { call } = await pair({ budgets: { run: { cost: 5 } }, prices: { perToken: 9 } })
    expect(faultOf(await call('book'))).toMatchObject({ kind: 'budget_exhausted', detail: { unit: 'cost', limit: 5, used: 0 } })
  })
})

describe('a restart', () => {
  promise('R97', 'gives nothing back: budgets go on, for each by itself', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-limits-'))
    closers.push(() => rmSync(stateDir, { recursive: true, force: true }))
    const up = await upstream()
    const config = {
      stateDir,
      servers: { up: { url: up.url, era: 'legacy' } },
      budgets: { run: { calls: 10, time: '1h' }, principal: { calls: '25/1d' } },
    }
    const call = async (base: string, run: string, i: number): Promise<Result> => {
      const asking = { mount: '/up', headers: { 'signalbox-run': run } }
      return (await modern(base, 'tools/call', { name: 'book', arguments: { i } }, asking)).message.result
    }
    const first = await startUnderTest(config)
    for (let i = 0; i < 7; i += 1) expect((await call(first.base, 'one', i)).isError).toBeUndefined()
    await first.stop()
    const second = await gateway(config)
    for (let i = 0; i < 3; i += 1) expect((await call(second.base, 'one', i)).isError).toBeUndefined()
    expect(faultOf(await call(second.base, 'one', 3))).toMatchObject({
      kind: 'budget_exhausted',
      detail: { scope: 'run', limit: 10, used: 10 },
    })
    for (let i = 0; i < 10; i += 1) expect((await call(second.base, 'two', i)).isError).toBeUndefined()
    for (let i = 0; i < 5; i += 1) expect((await call(second.base, 'three', i)).isError).toBeUndefined()
    expect(faultOf(await call(second.base, 'three', 5))).toMatchObject({
      kind: 'budget_exhausted',
      detail: { scope: 'principal', used: 25 },
    })
    expect(up.count('tools/call')).toBe(25)
  })
})

describe('an operator', () => {
  promise('R90', 'sees what is used of limits, and gives it back', async () => {
    const { running, call, sent } = await pair({ budgets: { run: { calls: 3 } }, tools: { 'up/book': { rate: '100/1h' } } })
    const run = (...args: string[]) => signalbox(root, 'limits', ...args, '--url', running.admin)
    expect(await run('show')).toMatchObject({ code: 0, out: 'Nothing is used of any limit.\n' })
    for (let i = 0; i < 5; i += 1) await call('book', { i })
    expect(sent('book')).toBe(3)
    const { out } = await run('show')
    expect(out).toMatch(/^ *key +what +whose +used +some comes back\n/)
    expect(out).toMatch(/budget of run +run \S+ of anonymous +3 of 3 calls/)
    expect(out).toMatch(/rate of tool +up\/book +3 of 100 calls +20\d\d-/)
    const [budget] = JSON.parse((await run('show', '--json')).out).limits
    expect(budget).toMatchObject({ kind: 'budget', scope: 'run', unit: 'calls', subject: 'anonymous', used: 3, limit: 3 })
    expect(await run('clear', budget.id)).toMatchObject({ code: 0, out: `Nothing is used of ${budget.id} any more.\n` })
    expect((await call('book', { i: 6 })).isError).toBeUndefined()
    const unknown = await run('clear', 'ffff')
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no limit ffff')])
    expect((await run('clear', 'no key')).code).toBe(2)
  })
})

describe('one tool that takes long', () => {
  promise('R92', 'leaves the places of its server to the others, and its further calls wait', async () => {
    const held: (() => void)[] = []
    const script: Script = {
      call: ({ name, answer }) => (name === 'book' ? held.push(() => answer(textResult('done'))) : answer(textResult('done'))),
    }
    const { call } = await pair({ tools: { 'up/book': { concurrency: 2 } } }, script, { concurrency: 3 })
    const calls = Array.from({ length: 9 }, (_, i) => call('book', { i }))
    expect(await eventually(() => held.length === 2)).toBe(true)
    for (let i = 0; i < 5; i += 1) expect((await call('cancel', { i })).isError).toBeUndefined()
    expect(held).toHaveLength(2)
    let answered = 0
    while (answered < 9) {
      expect(await eventually(() => held.length > 0)).toBe(true)
      for (const answer of held.splice(0)) {
        answer()
        answered += 1
      }
    }
    for (const answer of await Promise.all(calls)) expect(answer.isError).toBeUndefined()
  })
})
