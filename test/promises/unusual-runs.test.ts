// A run that burns 50,000 tokens where runs usually use 5,000 is noticed while it is under way, and people are told, with the log off.
import { afterEach, expect } from 'vitest'
import { assembleLimits } from '../../src/assembly/limits.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import type { RoutedCall } from '../../src/core/call/call.ts'
import { type Gate, through } from '../../src/core/call/gates.ts'
import { payloadOf } from '../../src/core/call/payload.ts'
import type { UnusualRun } from '../../src/core/ports/run-usage.ts'
import { runUsageDomain } from '../../src/gateway/limits/kept-runs.ts'
import { budgetUsageDomain } from '../../src/gateway/limits/kept-usage.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { startReceiver } from '../doubles/alert-receiver.ts'
import { testDurable } from '../doubles/durable.ts'
import { ForwardClock } from '../doubles/forward-clock.ts'
import { aCall, anExchange, anItem, aReport, countedRandom, done } from '../doubles/gateway/samples.ts'
import { ManualClock } from '../doubles/manual-clock.ts'
import { aRun } from '../doubles/run.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function world() {
  const clock = new ManualClock()
  const { report, counted, logged } = aReport()
  const durable = testDurable({ domains: [budgetUsageDomain, runUsageDomain], clock: systemClock, report })
  closers.push(() => durable.close())
  const settings = settingsSchema.parse({})
  async function start() {
    const found: UnusualRun[] = []
    const limits = assembleLimits({ settings, clock, random: countedRandom(), report, durable, shared: undefined })
    limits.onUnusual((one) => found.push(one))
    limits.onUnusual(() => {
      throw new Error('a listener that fails')
    })
    await limits.start()
    const pass = through([limits.gate as unknown as Gate])
    const call = async (run: string, words: number) => {
      const params = payloadOf({ name: 'fetch', arguments: { words } })
      const client = { name: 'coder', version: '1' }
      const made: RoutedCall = {
        ...aCall({ params, run: aRun({ id: run, team: 'red' }), caller: { ...aCall().caller, client } }),
        upstream: 'up',
        item: anItem({ name: 'fetch' }),
      }
      const { exchange } = anExchange(clock)
      await pass(made, exchange, async () => done({ content: [{ type: 'text', text: 'word '.repeat(words) }] }))
      return exchange.fact('usage')
    }
    return { limits, call, found }
  }
  return { clock, counted, logged, start, durable }
}

promise(['R56'], 'is told to whoever alerts, at 50,000 tokens at the latest, also after a restart in the middle of it', async () => {
  const { clock, counted, start } = world()
  const first = await start()
  for (let run = 0; run < 20; run += 1) {
    for (let n = 0; n < 10; n += 1) await first.call(`usual ${run}`, 400 + 10 * (run % 10))
    await clock.advance(3_600_000)
  }
  let tokens = 0
  const burn = async (by: typeof first, upTo: number) => {
    while (tokens < upTo && by.found.length === 0) {
      const usage = await by.call('burning', 1_000)
      tokens += (usage?.sent ?? 0) + (usage?.got ?? 0)
      await clock.advance(1_000)
    }
  }
  await burn(first, 15_000)
  expect(first.found).toEqual([])
  await first.limits.end()
  const second = await start()
  await burn(second, 100_000)
  expect(second.found).toMatchObject([{ run: 'burning', client: 'coder', team: 'red', tokens, atMs: clock.now() - 1_000 }])
  const [{ usual, limit } = { usual: 0, limit: 0 }] = second.found
  expect([usual > 4_000, usual < 6_000, limit >= 5 * usual, tokens <= 50_000]).toEqual([true, true, true, true])
  // Once, and what a listener does wrong is a bug that is told.
  for (let n = 0; n < 50; n += 1) await second.call('burning', 1_000)
  expect(second.found).toHaveLength(1)
  expect([counted.unusual_runs, counted.bugs, counted.run_usage_lost]).toEqual([1, 1, undefined])
  await second.limits.end()
})

promise('R56', 'is a message to people at 50,000 tokens at the latest, by a running gateway with the log off', async () => {
  const clock = new ForwardClock()
  const upstream = await startScripted({
    era: 'modern',
    tools: [plainTool('fetch')],
    call: ({ params, answer }) => answer(textResult('word '.repeat(params.arguments.words))),
  })
  closers.push(() => upstream.close())
  const receiver = await startReceiver()
  closers.push(() => receiver.close())
  const servers = { up: { url: upstream.url } }
  const gateway = await startUnderTest({ servers, log: { level: 'silent' }, alerts: { webhook: receiver.url } }, clock)
  closers.push(() => gateway.stop())
  const call = (run: string, words: number) =>
    modern(gateway.base, 'tools/call', { name: 'fetch', arguments: { words } }, { mount: '/up', headers: { 'signalbox-run': run } })
  for (let n = 0; n < 10; n += 1) {
    for (let part = 0; part < 5; part += 1) await call(`usual ${n}`, 900 + 10 * n)
    await clock.forward(62 * 60_000)
  }
  expect(receiver.received).toEqual([])
  let burnt = 0
  for (; burnt < 50_000 && receiver.received.length === 0; burnt += 2_000) {
    await call('burning', 2_000)
    await clock.forward(20_000)
  }
  expect(burnt).toBeLessThan(50_000)
  expect(receiver.received).toHaveLength(1)
  expect(JSON.stringify(receiver.received[0])).toContain('it may repeat itself')
  expect((await metric(gateway.admin, 'signalbox_unusual_runs_total')).get('')).toBe(1)
})
