// From the id of a run to what the agent did: in order, with which arguments, why, what came of it and what it cost, in one command.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { rowsOf } from '../doubles/gateway/judging.ts'
import type { Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { modern, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-timeline-'))
const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ456789'
let tracker: Scripted
let gateway: Awaited<ReturnType<typeof startProcess>>

interface Said {
  readonly turn: string
  readonly why?: string
}

/** A call of the run `ticket-4711`. */
function call(name: string, args: unknown, { turn, why }: Said, mount = '/tracker'): Promise<unknown> {
  const _meta = {
    'signalbox.dev/run': 'ticket-4711',
    'signalbox.dev/turn': turn,
    ...(why === undefined ? {} : { 'signalbox.dev/why': why }),
  }
  return modern(gateway.base, 'tools/call', { name, arguments: args, _meta }, { mount })
}

beforeAll(async () => {
  let searches = 0
  tracker = await startScripted({
    era: 'modern',
    tools: [plainTool('search', { annotations: { readOnlyHint: true } }), plainTool('create'), plainTool('drop')],
    call: ({ name, answer, res }) => {
      if (name === 'search') answer(rowsOf(++searches <= 30 ? 20 : 0))
      else if (name === 'create') answer(textResult('created 4712'))
      else res.writeHead(500, { 'content-length': 0 }).end()
    },
  })
  const config = {
    stateDir: join(folder, 'state'),
    log: { level: 'silent' },
    servers: { tracker: { url: tracker.url, era: 'modern' }, everything },
    tools: { 'tracker/create': { cost: { call: 0.25 } }, 'everything/echo': { rate: '2/1h' } },
    prices: { currency: 'EUR' },
    access: [{ use: ['tracker/search', 'tracker/create', 'everything/*'], team: 'support' }],
  }
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
  gateway = await startProcess(config)
  await gateway.contractsRead('tracker/search', 'tracker/create', 'tracker/drop', 'everything/echo')
  // What is usual of the search.
  for (let n = 0; n < 30; n += 1) await modern(gateway.base, 'tools/call', { name: 'search', arguments: { q: n } }, { mount: '/tracker' })
  await call('search', { q: 'late delivery', token: secret }, { turn: 't1', why: 'see whether it is known' })
  await call('create', { title: 'late delivery' }, { turn: 't2', why: 'it is not' })
  for (let n = 0; n < 5; n += 1) await call('echo', { message: 'still there' }, { turn: 't3' }, '/everything')
  await call('drop', {}, { turn: 't3' })
}, 60_000)
afterAll(async () => {
  await gateway.end('SIGTERM')
  await tracker.close()
  rmSync(folder, { recursive: true, force: true })
})

const withoutTimes = (text: string): string[] =>
  text
    .replace(/\+\d\d:\d\d\.\d{3}/g, '+T')
    .replace(/\d\d:\d\d:\d\d\.\d{3}, [\d.]+ (ms|s)/g, 'T')
    .replace(/[\d.]+ (ms|s)( in all|,|$)/gm, 'T$2')
    .split('\n')

/** Each command is a process of its own, and some of these tests run ten. */
const longMs = 120_000

describe('what did the agent do', () => {
  promise(
    ['R29', 'R64'],
    'is answered by one command while the gateway runs, as a tree by turns',
    async () => {
      await eventually(async () => (await signalbox(folder, 'runs', 'show', 'ticket-4711')).out.includes('tracker/drop'))
      const { code, out } = await signalbox(folder, 'runs', 'show', 'ticket-4711')
      expect(code).toBe(0)
      expect(out).not.toContain(secret)
      const lines = withoutTimes(out)
      expect(lines[0]).toBe('Run ticket-4711  anonymous of signalbox, team support')
      expect(lines.filter((line) => line.startsWith('turn ') || line.startsWith('trace '))).toEqual([
        'turn t1  T',
        'turn t2  T',
        'turn t3  T',
      ])
      const steps = lines.filter((line) => /^[├└]/.test(line)).map((line) => line.replace(/ +/g, ' '))
      expect(steps).toEqual([
        '└ +T EMPTY? tracker/search {"q":"late delivery","token":"[redacted:token]"}',
        '└ +T ok tracker/create {"title":"late delivery"}',
        '├ +T ok everything/echo ×2 {"message":"still there"}',
        '├ +T LIMITED everything/echo ×3 {"message":"still there"}',
        '└ +T DENIED tracker/drop',
      ])
      expect(out).toContain('why: see whether it is known')
      expect(out).toContain('doubtful: empty')
      expect(out).toMatch(/rate_limited \(tool, not executed\), PR: /)
      expect(out).toMatch(/ in 0 rows \{rows:\[…\]\}/)
      expect(out).toContain('0.25 EUR')
      expect(lines[2]).toMatch(/^8 calls: 3 good, 1 doubtful, 1 denied, 3 over a limit; .*tokens, 0\.25 EUR, /)
    },
    longMs,
  )

  promise(
    ['R29', 'R64'],
    'has of each result that was judged how many rows it has and its shape, and of all else nothing',
    async () => {
      await eventually(async () => (await signalbox(folder, 'audit', 'query', '--json')).out.includes('"drop"'))
      const { out } = await signalbox(folder, 'audit', 'query', '--json', '--run', 'ticket-4711')
      const rows = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Result]))
      const of = (item: string, outcome = 'complete') =>
        rows.filter((row) => row.item === item && row.outcome === outcome).map(({ result }) => result)
      expect(of('search')).toEqual([{ bytes: expect.any(Number), rows: 0, tokens: expect.any(Number), shape: '{rows:[…]}' }])
      expect(of('create')).toEqual([expect.objectContaining({ rows: null, shape: 'prose' })])
      expect(of('echo')).toEqual(Array(2).fill(expect.objectContaining({ rows: null, shape: 'prose' })))
      expect(of('echo', 'fault')).toEqual([null, null, null])
      const usual = await signalbox(folder, 'audit', 'query', '--json', '--tool', 'tracker/search', '--most', '2')
      expect(JSON.parse(usual.out.split('\n')[0] ?? '').result).toMatchObject({ rows: 20, shape: '{rows:[{id:n,name:s}]}' })
    },
    longMs,
  )

  promise(
    'R64',
    'is the same at the admin door, and from a gateway elsewhere',
    async () => {
      const answer = JSON.parse((await send(`${gateway.admin}/admin/v1/runs/ticket-4711`, 'GET', undefined)).text)
      expect(answer).toMatchObject({
        currency: 'EUR',
        timeline: { run: 'ticket-4711', totals: { calls: 8, denied: 1, limited: 3, costNano: 250_000_000 } },
      })
      const { code, out } = await signalbox(folder, 'runs', 'show', 'ticket-4711', '--url', gateway.admin)
      expect(code).toBe(0)
      expect(out).toBe((await signalbox(folder, 'runs', 'show', 'ticket-4711')).out)
      const [, , , call] = JSON.stringify(answer).match(/"id":"([^"]+)"/g) ?? []
      const id = call?.slice(6, -1)
      const one = JSON.parse((await send(`${gateway.admin}/admin/v1/calls/${id}`, 'GET', undefined)).text)
      expect(one.rows[0]).toMatchObject({ about: 'call', id, run: 'ticket-4711' })
      const missing = await signalbox(folder, 'runs', 'show', 'no-such-run', '--url', gateway.admin)
      expect(missing).toMatchObject({ code: 1, err: 'No call of a run "no-such-run" is kept.\n' })
    },
    longMs,
  )

  promise(
    ['R29', 'R64'],
    'finds the run by time, principal, tool, fault and cost',
    async () => {
      const found = async (...args: string[]): Promise<string[]> => {
        const { out } = await signalbox(folder, 'runs', 'ls', '--json', ...args)
        return JSON.parse(out).runs.map(({ run, calls }: Result) => `${run} ${calls}`)
      }
      const all = await found()
      expect(all).toHaveLength(2)
      expect(all[0]).toBe('ticket-4711 8')
      // What is asked for finds the run; what is shown is all that it did.
      expect(await found('--tool', 'everything/echo')).toEqual(['ticket-4711 8'])
      expect(await found('--tool', 'everything/none')).toEqual([])
      expect(await found('--fault', 'rate_limited')).toEqual(['ticket-4711 8'])
      expect(await found('--cost', '0.2')).toEqual(['ticket-4711 8'])
      expect(await found('--cost', '0.3')).toEqual([])
      expect(await found('--principal', 'nobody')).toEqual([])
      expect(await found('--from', '2h')).toHaveLength(2)
      expect(await found('--to', '2h')).toEqual([])
      const byDoor = JSON.parse((await send(`${gateway.admin}/admin/v1/runs?fault=rate_limited`, 'GET', undefined)).text)
      expect(byDoor.runs).toMatchObject([{ run: 'ticket-4711', calls: 8 }])
      const first = JSON.parse((await send(`${gateway.admin}/admin/v1/runs?limit=1`, 'GET', undefined)).text)
      const second = JSON.parse((await send(`${gateway.admin}/admin/v1/runs?limit=1&cursor=${first.next}`, 'GET', undefined)).text)
      expect([...first.runs, ...second.runs].map(({ run, calls }: Result) => `${run} ${calls}`)).toEqual(all)
      expect((await send(`${gateway.admin}/admin/v1/runs?from=yesterday`, 'GET', undefined)).status).toBe(400)
    },
    longMs,
  )

  promise(
    ['R29', 'R68'],
    'and what did it cost: by team, tool and run, with sums that are those of the calls',
    async () => {
      const { out } = await signalbox(folder, 'cost', 'report', '--by', 'team,tool', '--json')
      const report = JSON.parse(out)
      const sum = (key: string): number => report.lines.reduce((total: number, line: Result) => total + line[key], 0)
      for (const key of ['calls', 'costNano', 'tokensSent', 'tokensGot', 'attempts']) expect(sum(key), key).toBe(report.total[key])
      expect(report).toMatchObject({ by: ['team', 'tool'], currency: 'EUR', total: { costNano: 250_000_000 } })
      expect(report.lines[0]).toMatchObject({ by: ['support', 'tracker/create'], calls: 1, costNano: 250_000_000 })
      const rows = await signalbox(folder, 'audit', 'query', '--about', 'call', '--json', '--most', '1000')
      expect(rows.out.trim().split('\n')).toHaveLength(report.total.calls)
      const byRun = JSON.parse((await signalbox(folder, 'cost', 'report', '--by', 'run', '--json')).out)
      expect(byRun.total).toEqual(report.total)
      const csv = await signalbox(folder, 'cost', 'report', '--by', 'tool', '--csv')
      expect(csv.out.split('\n')[1]).toMatch(/^tracker\/create,1,0,1,\d+,\d+,0\.25,EUR$/)
      const byDoor = JSON.parse((await send(`${gateway.admin}/admin/v1/cost?by=team,tool`, 'GET', undefined)).text)
      expect(byDoor.total).toEqual(report.total)
      expect(await signalbox(folder, 'cost', 'report', '--by', 'colour')).toMatchObject({ code: 2 })
    },
    longMs,
  )

  promise(
    'R29',
    'and rows of the audit by what they say, page by page',
    async () => {
      const page = async (query: string): Promise<Result> =>
        JSON.parse((await send(`${gateway.admin}/admin/v1/audit?${query}`, 'GET', undefined)).text)
      const ids: string[] = []
      let cursor = ''
      do {
        const { rows, next } = await page(`run=ticket-4711&about=call&limit=3${cursor}`)
        expect(rows.length).toBeLessThanOrEqual(3)
        ids.push(...rows.map(({ id }: Result) => id))
        cursor = next === undefined ? '' : `&cursor=${next}`
      } while (cursor !== '')
      expect(new Set(ids).size).toBe(8)
      expect((await page('denied=true')).rows).toMatchObject([{ item: 'drop', decision: 'denied' }])
      expect((await page('suspect=true&run=ticket-4711')).rows).toMatchObject([{ item: 'search', suspect: ['empty'] }])
      const verified = JSON.parse((await send(`${gateway.admin}/admin/v1/audit/verify`, 'GET', undefined)).text)
      expect(verified.verdict).toBe('whole')
    },
    longMs,
  )
})
