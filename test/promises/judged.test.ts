// Results are judged, not trusted: what is empty where there used to be rows, and what is an error given for a success, says so to the agent
// at the first such call, and to people by the fourth.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect } from 'vitest'
import { inText, judging, rowsOf } from '../doubles/gateway/judging.ts'
import { connect, type Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { legacy, metric, modern, openSession } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { everything, memory, root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const tools = ['query_database', 'read_file', 'restart'].map((name) => plainTool(name))

interface Setting {
  readonly under: UnderTest
  /** What the server answers from now on. */
  gives(result: unknown): void
  call(args?: unknown, tool?: string): Promise<Result>
  /** `query_database` with 10 to 50 rows. */
  usual(calls: number): Promise<void>
}

let asked = 0

async function setting(config: Record<string, unknown> = {}, era: 'legacy' | 'modern' = 'modern', client = era): Promise<Setting> {
  let result: unknown
  const server = await startScripted({ era, tools, call: (arrived) => arrived.answer(result) })
  open.push(server.close)
  const under = await startUnderTest({ servers: { up: { url: server.url, era } }, ...config })
  open.push(under.stop)
  const session = client === 'legacy' ? await openSession(under.base, { mount: '/up' }) : undefined
  const call = async (args: unknown = { sql: `select ${++asked}` }, name = 'query_database') => {
    const params = { name, arguments: args }
    const answered =
      session === undefined
        ? await modern(under.base, 'tools/call', params, { mount: '/up' })
        : await legacy(under.base, session, 'tools/call', params, { mount: '/up' })
    return answered.message.result as Result
  }
  const gives = (next: unknown) => {
    result = next
  }
  const usual = async (calls: number) => {
    for (let n = 0; n < calls; n += 1) {
      result = rowsOf(10 + ((n * 7) % 41))
      expect(reasonsOf(await call())).toEqual([])
    }
  }
  return { under, gives, call, usual }
}

const reasonsOf = (result: Result): string[] =>
  (result._meta?.['signalbox.dev/suspect']?.reasons ?? []).map(({ kind }: { kind: string }) => kind)

async function alertsOf({ admin }: UnderTest): Promise<Result[]> {
  return ((await (await fetch(`${admin}/admin/v1/alerts`)).json()) as { alerts: Result[] }).alerts
}

describe.each([
  ['legacy', 'modern'],
  ['modern', 'legacy'],
  ['modern', 'modern'],
] as const)('of a %s server, for a %s client', (era, client) => {
  promise(
    ['R50', 'R51', 'R53', 'R54', 'R57'],
    'a query that gives 200 and no rows is noted at the first, and is an alert by the fourth, with the log off',
    async () => {
      const { under, gives, call, usual } = await setting({}, era, client)
      await usual(60)
      expect(await alertsOf(under)).toEqual([])
      gives(rowsOf(0))
      for (let n = 1; n <= 4; n += 1) {
        const result = await call()
        expect(reasonsOf(result), `call ${n}`).toEqual(['empty'])
        // It is given, with its note.
        expect(result.isError ?? false).toBe(false)
        expect(result.content[0]).toEqual({ type: 'text', text: '{"rows":[]}' })
        expect(result.content[1].text).toMatch(/^suspect: zero rows\..*usually 10-50.*do not conclude that nothing exists/)
      }
      expect(await alertsOf(under)).toMatchObject([
        { server: 'up', tool: 'query_database', kind: 'empty', severity: 'warn', affected: 4, results: 4 },
      ])
      expect([...(await metric(under.admin, 'signalbox_alerts_total'))]).toEqual([['upstream="up",kind="empty",severity="warn"', 1]])
      expect([...(await metric(under.admin, 'signalbox_alerts_open'))]).toEqual([
        ['upstream="up",item="query_database",kind="empty",severity="warn"', 1],
      ])
      await usual(10)
      expect(await alertsOf(under)).toMatchObject([{ kind: 'empty', closed: expect.any(String) }])
      expect([...(await metric(under.admin, 'signalbox_alerts_open'))]).toEqual([])
    },
    60_000,
  )
})

describe.each(['v2 modern http', 'v1 http'] as const)('a client (%s) of server-memory', (kind) => {
  promise(
    ['R51', 'R53'],
    'is told at the first read that the file is gone',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-memory-'))
      open.push(() => rmSync(folder, { recursive: true, force: true }))
      const file = join(folder, 'memory.jsonl')
      const under = await startUnderTest({ servers: { memory: memory(file) } })
      open.push(under.stop)
      const client = await connect(kind, { base: under.base, mount: '/memory' })
      open.push(() => client.close())
      const entities = Array.from({ length: 12 }, (_, n) => ({ name: `n${n}`, entityType: 'thing', observations: [`seen ${n}`] }))
      await client.call('create_entities', { entities })
      for (let n = 0; n < 60; n += 1) expect(reasonsOf(await client.call('read_graph'))).toEqual([])
      rmSync(file)
      const result = await client.call('read_graph')
      expect(result.structuredContent).toEqual({ entities: [], relations: [] })
      expect(reasonsOf(result)).toContain('empty')
      for (let n = 2; n <= 4; n += 1) await client.call('read_graph')
      expect(await alertsOf(under)).toMatchObject([{ tool: 'read_graph', kind: 'empty' }])
    },
    60_000,
  )
})

promise(['R50', 'R52'], 'empty, failed and failed in words are told apart by metrics and by what the agent reads', async () => {
  const { under, gives, call } = await setting()
  gives(inText('Error: connection pool exhausted, timed out after 30000 ms'))
  const hidden = await call()
  expect(reasonsOf(hidden)).toEqual(['error_text'])
  expect(hidden.content[1].text).toMatch(/^suspect: this text is an error message although the tool reported success\./)
  gives({ ...inText('Error: connection pool exhausted'), isError: true })
  const failed = await call()
  expect([failed.isError, reasonsOf(failed)]).toEqual([true, []])
  gives({ content: [] })
  await call()
  gives(inText('{"rows":[{"id":1},{"id":2'))
  expect(reasonsOf(await call())).toEqual(['truncated'])
  gives(rowsOf(3))
  await call()
  expect(Object.fromEntries(await metric(under.admin, 'signalbox_results_total'))).toMatchObject({
    'upstream="up",kind="hidden_error"': 1,
    'upstream="up",kind="tool_error"': 1,
    'upstream="up",kind="empty"': 1,
    'upstream="up",kind="truncated"': 1,
    'upstream="up",kind="ok"': 1,
  })
  const report = (await (await fetch(`${under.admin}/admin/v1/tools/up/query_database/quality`)).json()) as Result
  expect(report).toMatchObject({ server: 'up', results: { empty: 1, hidden_error: 1 }, usual: { results: 5 } })
})

promise('R55', 'a tool that took 200 ms and takes 5 s is an alert by the fifth call, though nothing fails', async () => {
  const rig = judging()
  const call = (n: number, takesMs: number) => rig.send(rowsOf(10 + (n % 30)), { args: { n }, takesMs, thenMs: 60_000 })
  for (let n = 0; n < 60; n += 1) await call(n, 180 + (n % 5) * 10)
  expect(rig.alerts()).toEqual([])
  for (let n = 60; n < 65; n += 1) await call(n, 5_000)
  expect(rig.alerts()).toMatchObject([{ fields: { tool: 'find', kind: 'latency' } }])
  const { under, gives, call: real } = await setting()
  gives(rowsOf(2))
  await real()
  const counted = await metric(under.admin, 'signalbox_call_seconds_count')
  expect([...counted.keys()].some((labels) => labels.includes('item="query_database"'))).toBe(true)
})

promise(
  ['R51', 'R53'],
  'what is usual is known after a restart',
  async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-judged-'))
    open.push(() => rmSync(stateDir, { recursive: true, force: true, maxRetries: 3 }))
    const first = await setting({ stateDir })
    await first.usual(60)
    await first.under.stop()
    const second = await setting({ stateDir })
    second.gives(rowsOf(0))
    expect(reasonsOf(await second.call())).toEqual(['empty'])
  },
  60_000,
)

describe('by configuration', () => {
  /** What is noted of an answer without rows, after sixty with some. */
  async function noted(config: Record<string, unknown>): Promise<{ result: Result; setting: Setting }> {
    const made = await setting(config)
    await made.usual(60)
    made.gives(rowsOf(0))
    return { result: await made.call(), setting: made }
  }

  promise('R54', 'a doubtful result is withheld only where that is said of its tool', async () => {
    const { result } = await noted({ tools: { 'up/query_database': { quality: { onSuspect: 'block' } } } })
    expect(result.isError).toBe(true)
    expect(result._meta['signalbox.dev/fault']).toMatchObject({ kind: 'result_suspect', side_effect: 'unknown' })
    expect(result.content[0].text).toContain('zero rows')
    expect(result.structuredContent).toEqual({ error: expect.objectContaining({ kind: 'result_suspect' }) })
  })

  promise(
    'R54',
    'nothing is judged, or noted, or noted of what is the first of its kind',
    async () => {
      const off = await noted({ quality: { enabled: false } })
      expect(off.result).toMatchObject(rowsOf(0))
      expect(reasonsOf(off.result)).toEqual([])
      expect([...(await metric(off.setting.under.admin, 'signalbox_results_total'))]).toEqual([])
      const silent = await noted({ quality: { annotate: false } })
      expect([silent.result.content.length, reasonsOf(silent.result)]).toEqual([1, []])
      expect([...(await metric(silent.setting.under.admin, 'signalbox_suspect_total'))]).toEqual([['upstream="up",reason="empty"', 1]])
      expect(reasonsOf((await noted({ quality: { sensitivity: 'low' } })).result)).toEqual([])
      expect(reasonsOf((await noted({ tools: { '*': { quality: { emptyIsNormal: true } } } })).result)).toEqual([])
    },
    60_000,
  )

  promise(
    'R53',
    'rows are those of the path that is said',
    async () => {
      const of = async (quality: Record<string, unknown>) => {
        const { gives, call } = await setting({ tools: { 'up/query_database': { quality } } })
        const facets = Array.from({ length: 40 }, (_, n) => ({ facet: `of ${n}`, count: n }))
        for (let n = 0; n < 60; n += 1) {
          gives(inText({ facets, items: Array.from({ length: 3 + (n % 4) }, (_, id) => ({ id: n + id })) }))
          await call()
        }
        gives(inText({ facets, items: [] }))
        return reasonsOf(await call())
      }
      expect(await of({})).toEqual([])
      expect(await of({ rows: '$.items' })).toEqual(['empty'])
    },
    60_000,
  )

  promise('R50', 'a tool gives texts of others by its name, or as is said of it', async () => {
    const of = async (quality: Record<string, unknown>) => {
      const { gives, call } = await setting({ tools: { 'up/read_file': { quality } } })
      gives(inText('Error: connection pool exhausted, timed out after 30000 ms'))
      return reasonsOf(await call({ path: 'notes.txt' }, 'read_file'))
    }
    expect(await of({})).toEqual([])
    expect(await of({ payload: false })).toEqual(['error_text'])
  })
})

promise(['R51', 'R57'], 'operators say of an alert that it is how the tool is now, and it ends', async () => {
  const { under, gives, call, usual } = await setting()
  await usual(60)
  gives(rowsOf(0))
  for (let n = 1; n <= 4; n += 1) await call()
  const run = (...args: string[]) => signalbox(root, 'alerts', ...args, '--url', under.admin)
  const shown = await run('ls')
  expect(shown.code).toBe(0)
  expect(shown.out).toMatch(/up\/query_database +empty +warn, open +4 of 4 answers empty since/)
  const [alert] = await alertsOf(under)
  expect(JSON.parse((await run('ls', '--json')).out)).toMatchObject({ alerts: [{ id: alert?.id }] })
  expect((await run('ack', String(alert?.id), 'perhaps')).code).toBe(2)
  expect((await run('ack', '0123456789ab', 'fault')).code).toBe(1)
  expect(await run('ack', String(alert?.id), 'fault')).toMatchObject({ code: 0, out: expect.stringContaining('is known') })
  const say = (action: string, id = alert?.id) =>
    fetch(`${under.admin}/admin/v1/alerts/${id}/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action }),
    })
  expect((await say('nonsense')).status).toBe(400)
  expect((await say('normal', '0123456789ab')).status).toBe(404)
  expect(await (await say('fault')).json()).toMatchObject({ id: alert?.id, acknowledged: 'fault' })
  expect(await (await say('normal')).json()).toMatchObject({ id: alert?.id, acknowledged: 'normal', closed: expect.any(String) })
  expect((await say('normal')).status).toBe(404)
  expect(reasonsOf(await call())).toEqual([])
})

promise('R50', 'the result of a call that waited for input is judged, once', async () => {
  const under = await startUnderTest({ servers: { everything } })
  open.push(under.stop)
  const params = { name: 'trigger-elicitation-request', arguments: {} }
  const capabilities = { elicitation: { form: {} } }
  const leg = async (more: object) =>
    (await modern(under.base, 'tools/call', { ...params, ...more }, { mount: '/everything', capabilities })).message.result as Result
  const first = await leg({})
  expect(first.resultType).toBe('input_required')
  const good = async () => (await metric(under.admin, 'signalbox_results_total')).get('upstream="everything",kind="ok"')
  expect(await good()).toBe(0)
  const [key] = Object.keys(first.inputRequests)
  const inputResponses = { [String(key)]: { action: 'accept', content: { name: 'Ada' } } }
  expect((await leg({ inputResponses, requestState: first.requestState })).resultType).toBe('complete')
  expect(await good()).toBe(1)
})
