// Objectives of tools and servers with their error budgets, what fails in groups, and silences: through the gateway, its admin door and commands.
import { afterEach, describe, expect, test } from 'vitest'
import { startReceiver } from '../doubles/alert-receiver.ts'
import { ForwardClock } from '../doubles/forward-clock.ts'
import type { Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const minute = 60_000

async function setting(config: Record<string, unknown>, own: Record<string, unknown> = {}) {
  let fails = false
  let takesMs = 10
  const clock = new ForwardClock()
  const server = await startScripted({
    era: 'modern',
    tools: [plainTool('find'), plainTool('list')],
    call: ({ answer, fail, id }) =>
      void clock
        .forward(takesMs)
        .then(() => (fails ? fail(-32_603, `connection ${String(id)} refused`) : answer(textResult(`row ${String(id)}`)))),
  })
  open.push(server.close)
  const receiver = await startReceiver()
  open.push(receiver.close)
  const under = await startUnderTest(
    { servers: { up: { url: server.url, era: 'modern', ...own } }, alerts: { webhook: receiver.url }, ...config },
    clock,
  )
  open.push(under.stop)
  const list = async (path: string, member: string): Promise<Result[]> =>
    ((await (await fetch(`${under.admin}/admin/v1/${path}`)).json()) as Record<string, Result[]>)[member] ?? []
  let asked = 0
  return {
    clock,
    receiver,
    under,
    list,
    fails: (now: boolean) => {
      fails = now
    },
    takes: (ms: number) => {
      takesMs = ms
    },
    calls: async (times: number, tool = 'find') => {
      for (let n = 0; n < times; n += 1) {
        await modern(under.base, 'tools/call', { name: tool, arguments: { n: ++asked } }, { mount: '/up' })
        await clock.forward(minute)
      }
    },
  }
}

const kindsOf = (told: { readonly received: readonly { readonly body: Result }[] }) =>
  told.received.flatMap(({ body }) => body.incident.conditions.map(({ kind }: Result) => kind))

describe('objectives', () => {
  promise(
    ['R7', 'R57'],
    'of a tool and of a server: what is left of the budget is shown, and one that goes too fast is told, with its runbook entry',
    async () => {
      const it = await setting({ tools: { 'up/find': { objective: { availability: 99 } } } }, { objective: { availability: 90 } })
      await it.calls(40)
      expect(await it.list('objectives', 'objectives')).toMatchObject([
        { server: 'up', objective: 'availability', target: 90, calls: 40, bad: 0, budgetLeft: 1 },
        { server: 'up', tool: 'find', objective: 'availability', target: 99, calls: 40, bad: 0, good: 100 },
      ])
      it.fails(true)
      await it.calls(12)
      expect(await eventually(() => kindsOf(it.receiver).includes('availability_burn'))).toBe(true)
      const burning = it.receiver.received.find(({ body }) => kindsOf({ received: [{ body }] }).includes('availability_burn'))?.body
        .incident
      expect(burning).toMatchObject({ server: 'up', severity: 'critical', runbook: expect.stringMatching(/^docs\/alerts\.md#\w+$/) })
      const [worst] = await it.list('objectives', 'objectives')
      expect(worst).toMatchObject({ tool: 'find', bad: 12, calls: 52 })
      expect(worst?.budgetLeft).toBeLessThan(0)
      const series = await metric(it.under.admin, 'signalbox_objective_budget_remaining')
      expect(series.get('upstream="up",item="find",objective="availability"')).toBeLessThan(0)
      expect(
        (await metric(it.under.admin, 'signalbox_objective_burn_rate')).get(
          'upstream="up",item="find",objective="availability",window="1h"',
        ),
      ).toBeGreaterThan(14.4)
      expect((await metric(it.under.admin, 'signalbox_objective_target')).get('upstream="up",item="",objective="availability"')).toBe(0.9)
      const { out } = await signalbox(root, 'slo', '--url', it.under.admin)
      expect(out).toMatch(/up\/find +99 % succeed +76\.923 % +12 of 52 +-/)
    },
    60_000,
  )

  test('of latency, of a share of the calls', async () => {
    const it = await setting(
      { tools: { up: { objective: { latency: '2s', percentile: 90 } } } },
      { objective: { latency: '20s', percentile: 80 } },
    )
    it.takes(3_000)
    await it.calls(6)
    expect(await it.list('objectives', 'objectives')).toMatchObject([
      { tool: 'find', objective: 'latency', target: 90, latency: 2_000, bad: 6, calls: 6, budgetLeft: -9 },
      { server: 'up', objective: 'latency', target: 80, latency: 20_000, bad: 0, calls: 6 },
    ])
  }, 60_000)
})

describe('faults', () => {
  promise(
    ['R57'],
    'are grouped by what fails, with where they were first seen, and told of where they come back after they were mended',
    async () => {
      const it = await setting({})
      it.fails(true)
      await it.calls(3)
      const found = await it.list('faults', 'faults')
      expect(found).toMatchObject([
        {
          state: 'new',
          kind: 'upstream_error',
          server: 'up',
          item: 'find',
          count: 3,
          first: { contract: expect.stringMatching(/^c1:/), configuration: expect.any(String) },
        },
      ])
      expect(found[0]?.calls).toHaveLength(3)
      const shown = await signalbox(root, 'faults', 'ls', '--url', it.under.admin)
      expect(shown.out).toMatch(/up\/find +upstream_error +new +3 /)
      it.fails(false)
      expect((await signalbox(root, 'faults', 'resolve', String(found[0]?.id), '--url', it.under.admin)).code).toBe(0)
      await it.calls(2)
      expect(await it.list('faults?state=resolved', 'faults')).toHaveLength(1)
      it.fails(true)
      await it.calls(2)
      expect(await eventually(() => kindsOf(it.receiver).includes('fault_regressed'))).toBe(true)
      expect(await it.list('faults?state=regressed', 'faults')).toMatchObject([{ count: 5, regressions: 1 }])
    },
    60_000,
  )
})

describe('silences', () => {
  promise(
    ['R57'],
    'keep what is known from being told, until they end, and the audit has who made them',
    async () => {
      const it = await setting({ tools: { 'up/find': { objective: { availability: 99 } } } })
      const made = await signalbox(root, 'alerts', 'silence', 'up', '--for', '2h', '--reason', 'it is moved', '--url', it.under.admin)
      expect(made.out).toMatch(/^Nothing is told of up until 20\S+ \(silence [0-9a-f]{12}\)\.\n$/)
      it.fails(true)
      await it.calls(8)
      expect(await it.list('alerts', 'alerts')).toMatchObject([{ state: 'silenced', server: 'up' }])
      expect(it.receiver.received).toEqual([])
      const silences = await signalbox(root, 'alerts', 'silences', '--url', it.under.admin)
      expect(silences.out).toContain('it is moved')
      const id = /silence ([0-9a-f]{12})/.exec(made.out)?.[1]
      expect((await signalbox(root, 'alerts', 'unsilence', String(id), '--url', it.under.admin)).code).toBe(0)
      await it.calls(2)
      expect(await eventually(() => it.receiver.events().includes('opened'))).toBe(true)
      expect((await signalbox(root, 'alerts', 'silence', 'up', '--for', 'long', '--reason', 'x', '--url', it.under.admin)).code).toBe(2)
    },
    60_000,
  )
})
