// Rates of prompts and resources, through the doors and exits of both eras: what is limited, what is not, and what an agent reads of it.
import { afterEach, describe, expect } from 'vitest'
import type { Result } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { legacy, modern, openSession, upstreamsOf } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Era = 'legacy' | 'modern'
const eras = ['legacy', 'modern'] as const

async function pair(
  { rate, ...config }: Record<string, unknown>,
  { client = 'modern', server = 'legacy' }: { client?: Era; server?: Era } = {},
) {
  const up = await startScripted({
    era: server,
    tools: [plainTool('review')],
    prompts: [{ name: 'review' }, { name: 'plan' }],
    resources: [
      { uri: 'file:///a', name: 'a' },
      { uri: 'file:///b', name: 'b' },
    ],
    templates: [{ uriTemplate: 'log://{day}', name: 'log' }],
    read: (uri) => `text of ${uri}`,
  })
  closers.push(up.close)
  const running = await startUnderTest({
    ...config,
    servers: { up: { url: up.url, era: server, ...(rate === undefined ? {} : { rate }) } },
  })
  closers.push(running.stop)
  const session = client === 'legacy' ? await openSession(running.base, { mount: '/up' }) : undefined
  const ask = async (method: string, params: Record<string, unknown>, run?: string): Promise<Result> => {
    const asking = { mount: '/up', headers: run === undefined ? {} : { 'signalbox-run': run } }
    const answer =
      session === undefined
        ? await modern(running.base, method, params, asking)
        : await legacy(running.base, session, method, params, asking)
    return answer.message
  }
  const get = (name: string, run?: string) => ask('prompts/get', { name }, run)
  const read = (uri: string, run?: string) => ask('resources/read', { uri }, run)
  const call = () => ask('tools/call', { name: 'review', arguments: {} })
  return { running, up, get, read, call }
}

/** How many were answered, and what refused the others. */
async function times(count: number, use: (n: number) => Promise<Result>): Promise<unknown[]> {
  const answers: Result[] = []
  for (let n = 0; n < count; n += 1) answers.push(await use(n))
  const refused = answers.filter(({ error }) => error !== undefined)
  return [count - refused.length, ...new Set(refused.map((one) => `${faultOf(one).kind} ${faultOf(one).detail.scope}`))]
}

const faultOf = (message: Result): Result => message.error?.data?.['signalbox.dev/fault']

for (const client of eras) {
  for (const server of eras) {
    promise(
      ['R92', 'R95'],
      `a ${client} client of a ${server} server: prompts and resources are used as often as they may be`,
      async () => {
        const { get, read, call, up } = await pair(
          { prompts: { 'up/review': { rate: '3/1m' } }, resources: { 'up/file:///a': { rate: '2/1m' } } },
          { client, server },
        )
        expect(await times(6, () => get('review'))).toEqual([3, 'rate_limited prompt'])
        expect(await times(6, () => read('file:///a'))).toEqual([2, 'rate_limited resource'])
        expect([up.count('prompts/get'), up.count('resources/read')]).toEqual([3, 2])
        const [prompt, resource] = [await get('review'), await read('file:///a')]
        expect(faultOf(prompt)).toMatchObject({ retry_after_ms: expect.any(Number), detail: { prompt: 'review', limit: 3, used: 3 } })
        expect(prompt.error.message).toContain('The prompt review may be used 3 times in 1 min')
        expect(faultOf(resource)).toMatchObject({ detail: { resource: 'file:///a', limit: 2, window_ms: 60_000 } })
        expect(resource.error.message).toContain('The resource file:///a may be read 2 times in 1 min')
        // What has no rate, or only the name of what has one.
        expect(await times(6, () => get('plan'))).toEqual([6])
        expect(await times(6, () => read('file:///b'))).toEqual([6])
        for (let i = 0; i < 6; i += 1) expect((await call()).result.isError).toBeUndefined()
      },
    )
  }
}

describe('rates of prompts and resources', () => {
  promise('R92', 'per principal and per run', async () => {
    const { get, read } = await pair({
      prompts: { up: { ratePerPrincipal: '5/1m', ratePerRun: '3/1m' } },
      resources: { '*': { ratePerPrincipal: '4/1m', ratePerRun: '2/1m' } },
    })
    expect(await times(5, () => get('review', 'one'))).toEqual([3, 'rate_limited run'])
    expect(await times(5, () => get('review', 'two'))).toEqual([2, 'rate_limited principal'])
    expect(await times(5, () => get('plan', 'one'))).toEqual([3, 'rate_limited run'])
    expect(await times(5, () => read('file:///a', 'one'))).toEqual([2, 'rate_limited run'])
    expect(await times(5, () => read('file:///a', 'two'))).toEqual([2, 'rate_limited run'])
    expect(await times(5, () => read('file:///a', 'three'))).toEqual([0, 'rate_limited principal'])
  })

  promise(['R92', 'R96'], 'hold for a template, and for what no list has, however many URIs are made up', async () => {
    const { read, up, running } = await pair({
      resources: { 'up/log://*': { rate: '4/1m' }, 'up/note:*': { rate: '3/1m' }, 'up/note:secret': { rate: '1/1m' } },
    })
    expect(await times(20, (n) => read(`log://${n}`))).toEqual([4, 'rate_limited resource'])
    expect(await times(20, (n) => read(`note:${n}`))).toEqual([3, 'rate_limited resource'])
    expect(await times(3, () => read('note:secret'))).toEqual([1, 'rate_limited resource'])
    expect(await times(5, (n) => read(`other:${n}`))).toEqual([5])
    expect(up.count('resources/read')).toBe(13)
    expect((await read('log://x')).error.message).toContain('What is of log://{day} may be read 4 times')
    expect((await read('note:x')).error.message).toContain('What up/note:* selects and no list has may be read 3 times')
    const limits = JSON.parse(await (await fetch(`${running.admin}/admin/v1/budgets`)).text()).budgets
    expect(limits.map(({ resource }: Result) => resource).sort()).toEqual(['log://{day}', 'up/note:*', 'up/note:secret'])
  })

  promise('R93', 'and that of the server: each alone, both together, and neither', async () => {
    const prompts = { 'up/review': { rate: '4/1m' } }
    const own = await pair({ prompts })
    expect(await times(8, () => own.get('review'))).toEqual([4, 'rate_limited prompt'])
    const server = await pair({ rate: '6/1m' })
    expect(await times(8, () => server.get('review'))).toEqual([6, 'rate_limited upstream'])
    const both = await pair({ prompts, rate: '6/1m' })
    expect(await times(8, () => both.get('review'))).toEqual([4, 'rate_limited prompt'])
    // What the one refused has cost nothing of the other.
    expect(await times(4, () => both.get('plan'))).toEqual([2, 'rate_limited upstream'])
    const neither = await pair({})
    expect(await times(50, () => neither.get('review'))).toEqual([50])
    expect(await times(50, () => neither.read('file:///a'))).toEqual([50])
  })

  promise('R92', 'a selector that selects nothing is told', async () => {
    const { running } = await pair({ prompts: { 'up/reveiw': { rate: '1/s' } }, resources: { 'up/file:///c': { rate: '1/s' } } })
    const [told] = await upstreamsOf(running.admin)
    expect(told?.unmatchedSelectors).toEqual([
      { key: 'prompts', selector: 'up/reveiw', candidates: ['up/review'] },
      { key: 'resources', selector: 'up/file:///c', candidates: expect.arrayContaining(['up/file:///a']) },
    ])
  })
})
