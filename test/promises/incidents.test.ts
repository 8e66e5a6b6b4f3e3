// Each kind of incident from begin to end at a real gateway with the log off: a server, an issuer, a store or a receiver does what the kind is
// about, and a webhook is told once that it began, once that it is over, and once that it is back. Minutes go by on a clock that is put forward.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, expect, test } from 'vitest'
import { type AlertKind, kindsOfAlerts } from '../../src/observe/index.ts'
import { type AlertReceiver, startReceiver } from '../doubles/alert-receiver.ts'
import { ForwardClock } from '../doubles/forward-clock.ts'
import { inText, rowsOf, structured } from '../doubles/gateway/judging.ts'
import { type TestIssuer, testIssuer } from '../doubles/oauth/issuer.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, send } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const minute = 60_000

interface World {
  readonly clock: ForwardClock
  readonly receiver: AlertReceiver
  readonly under: UnderTest
  readonly stateDir: string
  /** What the server does from now on. */
  tools: readonly unknown[]
  /** Methods that it refuses; `*`: all. */
  refuses: string | undefined
  /** Undefined: it hangs up. */
  result: (n: number) => unknown
  takesMs: number
  /** The second receiver answers with 503. */
  deaf: boolean
  call(tool?: string, more?: Record<string, unknown>): Promise<Result>
  /** What the admin door says. */
  told(path: string): Promise<Result>
  restart(): Promise<void>
  /** Lets a minute go by. What takes no time is done in it: of a store that answers, all that waits for it. */
  minute(): Promise<void>
  /** How what a row did to the store is taken back. */
  readonly kept: Record<string, () => Promise<void>>
}

interface Row {
  readonly kind: AlertKind
  readonly what: string
  readonly config?: Record<string, unknown>
  /** It is about what is kept. A store in a thread is late at times by a clock that is put forward, which is an incident of its own. */
  readonly keeps?: true
  /** Of the server. */
  readonly own?: (clock: ForwardClock) => Promise<Record<string, unknown>>
  /** Before it begins. */
  readonly before?: (it: World) => Promise<void>
  /** One minute in which it is wrong, and one in which it is right. */
  readonly wrong: (it: World) => Promise<void>
  readonly right: (it: World) => Promise<void>
  /** Minutes of `right` until it is over, at most. */
  readonly within?: number
  /** It takes another incident, which is told as well. */
  readonly beside?: true
}

async function world({ config = {}, own, keeps }: Row): Promise<World> {
  const clock = new ForwardClock()
  let n = 0
  const server = await startScripted({
    era: 'modern',
    tools: () => it.tools,
    prompts: [{ name: 'greet' }],
    refuse: (_headers, _params, method) => (it.refuses === '*' || it.refuses === method ? { status: 500, challenge: 'none' } : undefined),
    call: ({ answer, res }) =>
      void clock.forward(it.takesMs).then(() => {
        const result = it.result(n++)
        if (result === undefined) res.destroy()
        else answer(result)
      }),
  })
  open.push(server.close)
  const receiver = await startReceiver()
  open.push(receiver.close)
  const second = await startReceiver((res) => void res.writeHead(it.deaf ? 503 : 200).end())
  open.push(second.close)
  const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-incidents-'))
  open.push(() => rmSync(stateDir, { recursive: true, force: true }))
  const it: World = {
    clock,
    receiver,
    stateDir,
    under: undefined as unknown as UnderTest,
    tools: ['find', 'list', 'get'].map((name) => plainTool(name)),
    refuses: undefined,
    result: (at) => rowsOf(10 + ((at * 7) % 41)),
    takesMs: 200,
    deaf: false,
    kept: {},
    call: async (tool = 'find', more = {}) => {
      const params = { name: tool, arguments: { q: `question ${n}`, ...more } }
      return (await modern(it.under.base, 'tools/call', params, { mount: '/up' })).message.result
    },
    told: async (path) => JSON.parse((await send(`${it.under.admin}/admin/v1/${path}`, 'GET', undefined)).text),
    restart: async () => {
      const [seen, lists] = [server.seen.length, server.count('tools/list')]
      // Of one that is away it is answered once that is certain, by a clock that stands still meanwhile.
      void send(`${it.under.admin}/admin/v1/upstreams/up/actions`, 'POST', '{"action":"restart"}')
      await eventually(() => (it.refuses === '*' ? server.seen.length > seen : server.count('tools/list') > lists))
    },
    minute: async () => {
      if (keeps === undefined || Object.keys(it.kept).some((file) => file.endsWith('.db'))) return clock.forward(minute)
      for (let n = 0; n < 12; n += 1) {
        await clock.forward(5_000)
        await it.told('tools/up/find/usage')
      }
    },
  }
  const under = await startUnderTest(
    {
      ...(keeps && { stateDir }),
      servers: { up: { url: server.url, era: 'modern', owner: 'team-data', ...(await own?.(clock)) } },
      alerts: { webhook: [receiver.url, second.url] },
      ...config,
    },
    clock,
  )
  open.push(under.stop)
  return Object.assign(it, { under })
}

const calls =
  (result?: World['result'], more: Partial<Pick<World, 'takesMs'>> = {}) =>
  async (it: World) => {
    Object.assign(it, { takesMs: 200, ...more })
    it.result = result ?? usual
    await it.call()
  }
const usual: World['result'] = (n) => rowsOf(10 + ((n * 7) % 41))
const often = (times: number, call: (it: World) => Promise<void>) => async (it: World) => {
  for (let n = 0; n < times; n += 1) {
    await call(it)
    await it.clock.forward(minute)
  }
}
const judged = (kind: AlertKind, what: string, bad: World['result'], good: World['result'] = usual): Row => ({
  kind,
  what,
  before: often(100, calls(good)),
  wrong: calls(bad),
  right: calls(good),
})

const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
let issuer: TestIssuer | undefined

/** By another program, at a file of the state folder; it waits as long as the gateway writes. */
async function runs(it: World, file: string, sql: string): Promise<InstanceType<typeof DatabaseSync>> {
  const other = new DatabaseSync(join(it.stateDir, file), { timeout: 0 })
  const done = await eventually(() => {
    try {
      other.exec(sql)
      return true
    } catch (error) {
      if (!String(error).includes('locked')) throw error
      return false
    }
  })
  if (!done) throw new Error(`${file} is written all the time`)
  return other
}

/** Until it is taken back. */
async function alters(it: World, name: string, sql: string, back: string): Promise<void> {
  if (it.kept[name] !== undefined) return
  ;(await runs(it, 'signalbox.db', sql)).close()
  it.kept[name] = async () => {
    delete it.kept[name]
    ;(await runs(it, 'signalbox.db', back)).close()
  }
}

/** The other program holds the file. */
async function holds(it: World, file: string): Promise<void> {
  if (it.kept[file] !== undefined) return
  const other = await runs(it, file, 'BEGIN IMMEDIATE')
  it.kept[file] = async () => {
    delete it.kept[file]
    other.exec('ROLLBACK')
    other.close()
  }
  open.push(() => it.kept[file]?.())
}

const members =
  (...names: string[]) =>
  (n: number) =>
    inText(Object.fromEntries(names.map((name) => [name, `${name} ${n}`])))
const schema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }

const rows: readonly Row[] = [
  judged('error_text', 'a tool answers with the words of an error', () => textResult('Error: connection pool exhausted')),
  judged('truncated', 'a tool answers with JSON that ends within', (n) => textResult(JSON.stringify(usual(n)).slice(0, 120))),
  judged('result_shape', 'members that were always there are gone', members('name', 'cost', 'unit'), members('name', 'price', 'currency')),
  judged('frozen', 'a tool gives one answer to all questions', () => rowsOf(17)),
  judged('size', 'results are a hundred times as large', (n) => rowsOf(5_000 + n)),
  {
    ...judged(
      'result_schema',
      'results break the schema that the tool declares',
      (n) => structured({ total: `${n}` }),
      (n) => structured({ total: n }),
    ),
    before: async (it) => {
      it.tools = [plainTool('find', { outputSchema: schema })]
      await it.restart()
      await often(
        10,
        calls((n) => structured({ total: n })),
      )(it)
    },
  },
  {
    kind: 'empty',
    what: 'a tool that had rows has none',
    before: often(60, calls()),
    wrong: calls(() => rowsOf(0)),
    right: calls(),
  },
  {
    kind: 'latency',
    what: 'a tool takes 5 s in place of 200 ms',
    before: often(60, calls()),
    wrong: calls(usual, { takesMs: 5_000 }),
    right: calls(),
  },
  {
    kind: 'latency_burn',
    what: 'a tool misses its objective of latency',
    config: { tools: { 'up/find': { objective: { latency: '2s', percentile: 99 } } }, quality: { enabled: false } },
    before: often(20, calls()),
    wrong: calls(usual, { takesMs: 3_000 }),
    right: calls(),
    within: 60,
  },
  {
    kind: 'availability_burn',
    what: 'a tool misses its objective of availability',
    config: { tools: { 'up/find': { objective: { availability: 99 } } }, limits: { breakerFailures: 1_000 } },
    before: often(20, calls()),
    wrong: calls(() => undefined),
    right: calls(),
    within: 60,
  },
  {
    kind: 'upstream_unavailable',
    what: 'a server answers nothing but errors',
    wrong: async (it) => {
      if (it.refuses !== undefined) return
      it.refuses = '*'
      await it.restart()
    },
    // It is tried again by itself.
    right: async (it) => {
      it.refuses = undefined
    },
    within: 30,
  },
  {
    kind: 'upstream_degraded',
    what: 'a server gives one of its lists no more',
    wrong: async (it) => {
      it.refuses = 'prompts/list'
      await it.restart()
    },
    right: async (it) => {
      it.refuses = undefined
      await it.restart()
    },
    within: 30,
  },
  {
    kind: 'circuit_open',
    what: 'calls of several tools fail in a row',
    config: { limits: { breakerFailures: 2 } },
    wrong: async (it) => {
      it.result = () => undefined
      for (const tool of ['find', 'list', 'get', 'find', 'list', 'get']) await it.call(tool)
    },
    right: async (it) => {
      it.result = usual
      for (const tool of ['find', 'list', 'get']) await it.call(tool)
    },
    within: 30,
  },
  {
    kind: 'tool_circuit_open',
    what: 'calls of one tool fail in a row',
    wrong: async (it) => {
      it.result = () => undefined
      for (let n = 0; n < 6; n += 1) await it.call()
    },
    right: calls(),
    within: 30,
  },
  {
    kind: 'credential_refused',
    what: 'the issuer renews a credential no more',
    own: async (clock) => {
      issuer = await testIssuer(clock)
      open.push(issuer.stop)
      return { auth: { type: 'clientCredentials', issuer: issuer.url, clientId: 'gateway', clientSecret: 'a secret of the gateway' } }
    },
    wrong: async (it) => {
      if (issuer !== undefined) issuer.bend = () => ({ status: 400, body: { error: 'invalid_client' } })
      await it.call()
    },
    right: async (it) => {
      if (issuer !== undefined) issuer.bend = undefined
      await it.call()
    },
    within: 60,
  },
  {
    kind: 'contract_held',
    what: 'a tool wants an argument that it did not want before',
    wrong: async (it) => {
      it.tools = [plainTool('find', { inputSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] } })]
      await it.restart()
    },
    right: async (it) => {
      it.tools = [plainTool('find')]
      await it.restart()
    },
  },
  {
    kind: 'sunset_near',
    what: 'a tool that is called ends soon',
    config: { tools: { 'up/find': { deprecated: { from: day(-10), sunset: day(13), replacement: 'list' } } } },
    before: often(3, async (it) => void (await it.call('list'))),
    wrong: async (it) => void (await it.call()),
    // Nobody calls it for two days.
    right: (it) => it.clock.forward(60 * minute),
    within: 55,
  },
  {
    kind: 'fault_regressed',
    what: 'a fault is back that was said to be mended',
    config: { limits: { breakerFailures: 1_000 } },
    before: async (it) => {
      await often(
        2,
        calls(() => undefined),
      )(it)
      await often(2, calls())(it)
    },
    wrong: async (it) => {
      const { faults } = await it.told('faults')
      for (const { id } of faults) await send(`${it.under.admin}/admin/v1/faults/${id}/actions`, 'POST', '{"action":"resolve"}')
      await calls(() => undefined)(it)
    },
    right: calls(),
    within: 90,
  },
  {
    kind: 'store_unavailable',
    keeps: true,
    what: 'another program holds the store',
    wrong: async (it) => {
      await holds(it, 'signalbox.db')
      await it.call()
    },
    right: async (it) => {
      await it.kept['signalbox.db']?.()
      await it.call()
      await it.clock.forward(11_000)
      await eventually(async () => (await it.told('stores')).stores.every(({ state }: Result) => state === 'ready'))
    },
    within: 30,
  },
  {
    kind: 'usage_lost',
    keeps: true,
    what: 'the store refuses rows of who calls what',
    wrong: async (it) => {
      const refuses = "CREATE TRIGGER refuses BEFORE INSERT ON tool_usage BEGIN SELECT RAISE(ABORT, 'no'); END"
      await alters(it, 'tool_usage', refuses, 'DROP TRIGGER refuses')
      await it.call()
    },
    right: async (it) => {
      await it.kept.tool_usage?.()
      await it.call()
    },
    within: 60,
  },
  {
    kind: 'bug',
    keeps: true,
    what: 'a table of the store is gone, which never happens',
    wrong: async (it) => {
      await alters(it, 'tool_usage', 'ALTER TABLE tool_usage RENAME TO gone', 'ALTER TABLE gone RENAME TO tool_usage')
      await it.call()
    },
    right: async (it) => {
      await it.kept.tool_usage?.()
      await it.call()
    },
    within: 60,
  },
  {
    kind: 'alerts_undelivered',
    beside: true,
    what: 'one of two receivers takes nothing',
    wrong: async (it) => {
      it.deaf = true
      await calls(() => undefined)(it)
    },
    right: async (it) => {
      it.deaf = false
      await calls()(it)
    },
    within: 60,
  },
]

for (const row of rows)
  promise(
    ['R7', 'R57'],
    `${row.kind}: ${row.what}: told once, known, over, back, silenced`,
    async () => {
      const it = await world(row)
      const { receiver } = it
      const pass = async (step: (it: World) => Promise<void>, most: number, until = () => false): Promise<boolean> => {
        for (let n = 0; n < most && !until(); n += 1) {
          await step(it)
          await it.minute()
          await eventually(until, 10)
        }
        return until()
      }
      /** What gets worse on the way is told beside what the row is about. */
      const received = () =>
        receiver.received.filter(({ body }) => (row.beside ?? row.keeps) === undefined || body.incident.kind === row.kind)
      const events = () =>
        received()
          .map(({ body }) => body.event)
          .filter((event) => event !== 'worse')
      const told = (count: number) => eventually(() => events().length >= count, 50).then(() => events())

      await row.before?.(it)
      expect(await told(0)).toEqual([])
      const kinds = () => receiver.received.flatMap(({ body }) => body.incident.conditions.map(({ kind }: Result) => kind))
      expect([await pass(row.wrong, 40, () => kinds().includes(row.kind)), kinds()]).toEqual([true, expect.arrayContaining([row.kind])])
      await pass(row.wrong, 5)
      expect(await told(1)).toEqual(['opened'])
      const { incident } = received().at(-1)?.body ?? {}
      expect(incident).toMatchObject({ state: 'open', runbook: `docs/alerts.md#${incident.kind}` })
      expect(kindsOfAlerts[row.kind].severity === 'critical' ? incident.severity : row.kind).toBe(
        kindsOfAlerts[row.kind].severity === 'critical' ? 'critical' : row.kind,
      )
      const shown = async () => (await it.told('alerts')).alerts.find(({ id }: Result) => id === incident.id)
      await send(`${it.under.admin}/admin/v1/alerts/${incident.id}/actions`, 'POST', '{"action":"fault"}')
      expect((await shown()).state).toBe('acknowledged')

      expect(await pass(row.right, row.within ?? 20, () => events().includes('resolved'))).toBe(true)
      expect(await told(2)).toEqual(['opened', 'resolved'])
      expect((await shown()).state).toBe('resolved')

      const path = `${it.under.admin}/admin/v1/silences`
      const selector = row.beside ? 'other' : '*'
      const silence = await send(path, 'POST', JSON.stringify({ selector, forMs: 180 * minute, reason: 'a test' }))
      if (!row.beside) {
        let state = ''
        const look = async (now: World) => {
          await row.wrong(now)
          state = (await shown()).state
        }
        await pass(look, 40, () => state === 'silenced')
        expect([state, await told(2)]).toEqual(['silenced', ['opened', 'resolved']])
      }
      await send(`${path}/${JSON.parse(silence.text).id}/actions`, 'POST', '{"action":"end"}')
      expect(await pass(row.wrong, 40, () => events().includes('reopened'))).toBe(true)
      await pass(row.wrong, 3)
      expect(await told(3)).toEqual(['opened', 'resolved', 'reopened'])
      expect(new Set(received().map(({ body }) => body.incident.id)).size).toBe(1)
    },
    60_000,
  )

/**
 * Of these no row is here: a run is unusual once (unusual-runs.test.ts); fewer rows are told to nobody, as they are `info`; rows of the audit are
 * lost once 20,000 of them wait.
 */
const elsewhere: readonly AlertKind[] = ['token_excess', 'rows', 'audit_lost']

test('each kind has a row', () => {
  expect([...rows.map(({ kind }) => kind), ...elsewhere].sort()).toEqual(Object.keys(kindsOfAlerts).sort())
})
