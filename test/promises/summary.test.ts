// `GET /admin/v1/summary`: whether somebody must act now. Every figure is what SQL over the rows of the audit says.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ForwardClock } from '../doubles/forward-clock.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, openSession, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
let folder: string
let tracker: Scripted
const gateways: UnderTest[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-summary-'))
  tracker = await startScripted({
    era: 'modern',
    tools: [plainTool('search'), plainTool('drop'), plainTool('say')],
    call: ({ name, answer, res }) => {
      if (name === 'drop') res.writeHead(500, { 'content-length': 0 }).end()
      else answer(name === 'say' ? { ...textResult('no such ticket'), isError: true } : textResult('found'))
    },
  })
})
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop()
  await tracker.close()
  rmSync(folder, { recursive: true, force: true })
})

async function started(config: Record<string, unknown> = {}, clock = new ForwardClock()): Promise<UnderTest> {
  const gateway = await startUnderTest(
    {
      stateDir: join(folder, 'state'),
      servers: {
        tracker: { url: tracker.url, era: 'modern', objective: { availability: 99 } },
        everything,
        away: { url: 'http://127.0.0.1:9/mcp' },
      },
      tools: { 'tracker/search': { cost: { call: 0.25 } }, 'everything/echo': { rate: '1000/1d' } },
      prices: { currency: 'EUR' },
      access: [{ use: ['tracker/search', 'tracker/drop', 'tracker/say', 'everything/echo'] }],
      ...config,
    },
    clock,
  )
  gateways.push(gateway)
  return gateway
}

let made = 0

async function calls({ base }: UnderTest, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [tool, count] of Object.entries(counts)) {
    const [mount = '', name = ''] = tool.split('/')
    for (let n = 0; n < count; n += 1) {
      await modern(base, 'tools/call', { name, arguments: name === 'echo' ? { message: `${n}` } : {} }, { mount: `/${mount}` })
      made += 1
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what the address answers is what is looked at.
async function summary({ admin }: UnderTest, window = '1h'): Promise<any> {
  const { status, text } = await send(`${admin}/admin/v1/summary?window=${window}`, 'GET', undefined)
  expect([status, text]).toEqual([200, expect.anything()])
  return JSON.parse(text)
}

interface SqlRow {
  readonly at: number
  readonly ms: number
  readonly tool: string
  readonly category: string | null
  readonly failed: number
  readonly denied: number
  readonly suspect: number
  readonly tokens: number
  readonly cost: number
}

/** Rows of calls, by SQL alone. */
function rowsBySql(): SqlRow[] {
  const db = new DatabaseSync(join(folder, 'state', 'audit.db'), { readOnly: true })
  const of = (place: string): string => `json_extract(r.value, '$${place}')`
  const rows = db
    .prepare(
      `SELECT ${of('[2]')} AS at, ${of('[21]')} AS ms, ${of('[8][1]')} || '/' || ${of('[8][2]')} AS tool,
         CASE WHEN ${of('[14]')} IS NULL AND ${of('[13]')} = 'tool_error' THEN 'tool' ELSE ${of('[14][1]')} END AS category,
         ${of('[14]')} IS NOT NULL OR ${of('[13]')} = 'tool_error' AS failed, COALESCE(${of('[9]')} = 0, 0) AS denied,
         ${of('[26]')} IS NOT NULL AS suspect, COALESCE(${of('[18][0]')} + ${of('[18][1]')}, 0) AS tokens, COALESCE(${of('[18][2]')}, 0) AS cost
       FROM audit_chain_batches b, json_each('[' || replace(CAST(b.lines AS TEXT), char(10), ',') || ']') r
       WHERE ${of('[1]')} = 'call'`,
    )
    .all() as unknown as SqlRow[]
  db.close()
  return rows
}

const nearest = (values: readonly number[], q: number): number | undefined => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(q * sorted.length) - 1]
}

promise(
  ['R50', 'R57'],
  'figures of the last hours stand beside their usual, and are those of the rows of the audit',
  async () => {
    // The first day has no beginning that is kept, and says nothing of what is usual.
    for (const [days, counts] of [
      [-2, { 'tracker/search': 5 }],
      [-1, { 'tracker/search': 12, 'tracker/say': 1, 'everything/echo': 8 }],
    ] as const) {
      const before = new ForwardClock()
      await before.forward((2 + days) * dayMs)
      const gateway = await started({}, before)
      await calls(gateway, counts)
      await gateway.stop()
    }
    const later = new ForwardClock()
    await later.forward(2 * dayMs)
    const gateway = await started({}, later)
    await calls(gateway, {
      'tracker/search': 20,
      'tracker/drop': 6,
      'tracker/say': 2,
      'everything/echo': 9,
      'everything/get-env': 3,
      'away/x': 2,
    })
    expect(await eventually(() => rowsBySql().length >= made)).toBe(true)
    const { from, to, figures, rows, currency } = await summary(gateway)
    const fromMs = Date.parse(from)
    const toMs = Date.parse(to)
    expect([fromMs % hourMs, toMs - fromMs >= hourMs, toMs - fromMs < 2 * hourMs, currency]).toEqual([0, true, true, 'EUR'])

    const all = rowsBySql()
    const now = all.filter(({ at }) => at >= fromMs && at <= toMs)
    const sum = (of: readonly SqlRow[], value: (row: SqlRow) => number): number => of.reduce((total, row) => total + value(row), 0)
    const values: Record<string, (row: SqlRow) => number> = {
      calls: () => 1,
      faults: ({ failed }) => failed,
      suspects: ({ suspect }) => suspect,
      denied: ({ denied }) => denied,
      tokens: ({ tokens }) => tokens,
      cost: ({ cost }) => cost,
    }
    // Of the day before, of its last hour as much as is over of this one, which `to` says to the ms.
    const part = (toMs % hourMs) / hourMs
    const weight = ({ at }: SqlRow): number => (at - fromMs + dayMs >= Math.floor((toMs - fromMs) / hourMs) * hourMs ? part : 1)
    const before = all.filter(({ at }) => at >= fromMs - dayMs && at < fromMs - dayMs + Math.ceil((toMs - fromMs) / hourMs) * hourMs)
    expect([now.length >= 42, before.length >= 21]).toEqual([true, true])
    for (const [name, value] of Object.entries(values)) {
      const usual = sum(before, (row) => value(row) * weight(row))
      expect([name, figures[name].value]).toEqual([name, expect.closeTo(sum(now, value), 9)])
      expect([name, figures[name].usual]).toEqual([
        name,
        { median: expect.closeTo(usual, 3), low: expect.closeTo(usual, 3), high: expect.closeTo(usual, 3), days: 1 },
      ])
    }
    expect(figures.meanMs.value).toBeCloseTo(sum(now, ({ ms }) => ms) / now.length, 2)
    expect([figures.denied.value, figures.cost.value]).toEqual([expect.any(Number), 5])
    expect(figures.denied.value).toBeGreaterThanOrEqual(3)

    // Single rows: nothing of the day before is later than this time of the day.
    const past = all.filter(({ at }) => at >= fromMs - dayMs && at <= toMs - dayMs)
    expect([rows.calls, rows.isAll, rows.dayBefore]).toEqual([now.length, true, { calls: past.length, isAll: true }])
    const durations = (of: readonly SqlRow[], tool?: string): number[] =>
      of.filter((row) => row.failed === 0 && row.tool !== null && (tool === undefined || row.tool === tool)).map(({ ms }) => ms)
    for (const [name, q] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const)
      expect([name, rows[name]]).toEqual([name, { value: nearest(durations(now), q), usual: nearest(durations(past), q) }])
    const categories = ['tool', 'configuration', 'transport', 'authentication', 'integration']
    expect(rows.faults).toEqual(
      categories.map((category) => {
        const [here, there] = [now, past].map((of) => of.filter((row) => row.category === category).length) as [number, number]
        return { category, calls: here, share: { value: here / now.length, usual: there / past.length } }
      }),
    )
    // Each failure has one of the five.
    expect(rows.faults.reduce((total: number, own: { calls: number }) => total + own.calls, 0)).toBe(figures.faults.value)
    expect(rows.slowest.map(({ tool }: { tool: string }) => tool).sort()).toEqual(['everything/echo', 'tracker/search'])
    for (const { tool, calls: count, p95, ratio } of rows.slowest) {
      const [here, there] = [nearest(durations(now, tool), 0.95), nearest(durations(past, tool), 0.95)] as [number, number]
      expect([tool, count, p95, ratio]).toEqual([tool, durations(now, tool).length, { value: here, usual: there }, here / there])
    }
  },
  120_000,
)

describe('what is wrong now', () => {
  it('stands beside them, and what is not known is null', async () => {
    const gateway = await started()
    await openSession(gateway.base)
    await openSession(gateway.base)
    await calls(gateway, { 'everything/echo': 4, 'tracker/search': 1 })
    const { figures, rows, upstreams, budgets, objectives, sessions, alerts } = await summary(gateway, '24h')
    for (const { usual } of Object.values(figures) as { usual: unknown }[]) expect(usual).toBeNull()
    expect([rows.dayBefore, rows.p99.usual, rows.slowest]).toEqual([null, null, []])
    expect(upstreams).toMatchObject({ all: 3, ready: 2, others: [{ name: 'away' }] })
    expect(budgets[0]).toMatchObject({ of: 'everything/echo', used: 4, limit: 1_000, share: 0.004 })
    expect(objectives).toMatchObject([{ server: 'tracker', objective: 'availability', target: 99, budgetLeft: 1, burnRate: 0 }])
    expect(sessions).toEqual([{ transport: 'http', revision: '2025-11-25', sessions: 2, clients: 1 }])
    const told = JSON.parse((await send(`${gateway.admin}/admin/v1/alerts`, 'GET', undefined)).text).alerts
    expect(alerts.open).toBe(told.filter(({ state }: { state: string }) => state !== 'resolved').length)
  })

  it('without an audit the figures are null, and a window that is none is refused', async () => {
    const gateway = await started({ stateDir: undefined })
    expect(await summary(gateway)).toMatchObject({ figures: null, rows: null, currency: null, upstreams: { all: 3 } })
    for (const window of ['', 'soon', '0s', '25h', '-1h'])
      expect((await send(`${gateway.admin}/admin/v1/summary?window=${window}`, 'GET', undefined)).status).toBe(400)
  })
})
