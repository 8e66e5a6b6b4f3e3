// Each way in which a result may be wrong though it was given for a success, beside the nearest healthy traffic. Of the first the agent, the
// metrics and the alerts say so; of the second nobody says anything, and what the server sent is what comes.
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest'
import { judging, read, rowsOf } from '../doubles/gateway/judging.ts'
import { type Case, type Fault, given } from '../doubles/gateway/result-rows/row.ts'
import { saying } from '../doubles/gateway/result-rows/saying.ts'
import { unusual } from '../doubles/gateway/result-rows/unusual.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { memory } from '../peers/servers.ts'
import { promise } from './promise.ts'

function expectNoted(got: Result, sent: Result, { words = /^suspect: / }: Fault): void {
  expect(got.content.slice(0, -1)).toEqual(sent.content)
  expect(got.structuredContent).toEqual(sent.structuredContent)
  expect(got.content.at(-1).text).toMatch(words)
}

function expectRefused(got: Result, kind: string): void {
  expect(got.isError).toBe(true)
  expect(got._meta['signalbox.dev/fault']).toMatchObject({ kind, detail: { suspect: 'auth_text' } })
}

function expectMasked(got: Result, { masked, secret = '' }: Fault): void {
  expect(got._meta['signalbox.dev/masked']).toEqual(masked)
  expect(JSON.stringify(got)).not.toContain(secret)
}

const reads = { annotations: { readOnlyHint: true } }
const agent = new Agent({ keepAlive: true })
const rows = [...unusual, ...saying]
const names = new Map<Case, string>()
for (const { id, faults, twins } of rows)
  for (const one of [...faults, ...twins]) names.set(one, `${one.tool ?? 'query_database'}_${id.toLowerCase()}_${names.size}`)

describe.each(['legacy', 'modern'] as const)('of a %s server', (era) => {
  let result: unknown
  let under: UnderTest
  const closers: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const tools = [...names].map(([{ declares }, name]) =>
      plainTool(name, { ...reads, ...(declares === undefined ? {} : { outputSchema: declares }) }),
    )
    const server = await startScripted({ era, tools, call: ({ answer }) => answer(result) })
    closers.push(server.close)
    const own = [...names].flatMap(([{ quality }, name]) => (quality === undefined ? [] : [[`up/${name}`, { quality }]]))
    under = await startUnderTest({
      servers: { up: { url: server.url, era, headers: { authorization: `Bearer ${given}` } } },
      tools: { 'up/*': { secrets: 'mask' }, ...Object.fromEntries(own) },
    })
    closers.push(under.stop)
  })
  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function call(one: Case, n: number, gives: unknown): Promise<Result> {
    result = gives
    const params = { name: names.get(one), arguments: one.args?.(n) ?? { sql: `select ${n}` } }
    return (await modern(under.base, 'tools/call', params, { mount: '/up', agent })).message.result
  }

  const said = ({ _meta }: Result): string[] =>
    (_meta?.['signalbox.dev/suspect']?.reasons ?? []).map(({ kind, rule }: Result) => `${kind}/${rule}`)
  const sumOf = async (name: string) => [...(await metric(under.admin, name)).values()].reduce((all, one) => all + one, 0)
  const suspects = () => sumOf('signalbox_suspect_total')
  const masked = () => sumOf('signalbox_masked_total')
  /** Of the server it is one incident, whatever tools it is about. */
  const alerts = async (one: Case): Promise<string[]> => {
    const tool = encodeURIComponent(String(names.get(one)))
    const { alerts: all } = (await (await fetch(`${under.admin}/admin/v1/tools/up/${tool}/quality`)).json()) as { alerts: Result[] }
    return all.map(({ kind }) => kind)
  }
  /** Its results before, of which nothing is said. */
  async function begin(one: Case): Promise<void> {
    for (let n = 0; one.before !== undefined && n < (one.times ?? 60); n += 1)
      expect(said(await call(one, n, one.before(n))), `call ${n}`).toEqual([])
  }

  for (const { id, title, cites, faults, twins } of rows)
    describe(`${id}: ${title}`, () => {
      for (const fault of faults)
        promise(cites, fault.what, async () => {
          await begin(fault)
          const before = [await suspects(), await masked()] as const
          const times = fault.alert ? 4 : 1
          const [kind = ''] = fault.said.split('/')
          for (let n = 60; n < 60 + times; n += 1) {
            const sent = fault.gives(n) as Result
            const got = await call(fault, n, sent)
            if (fault.refused !== undefined) expectRefused(got, fault.refused)
            else if (fault.masked !== undefined) expectMasked(got, fault)
            else expectNoted(got, sent, fault)
            if (fault.said !== '') expect(said(got)[0]).toMatch(n === 60 ? fault.said : kind)
          }
          const isSuspect = fault.said !== '' || fault.refused !== undefined
          expect(await suspects()).toBeGreaterThanOrEqual(before[0] + (isSuspect ? times : 0))
          expect(await masked()).toBe(before[1] + Object.values(fault.masked ?? {}).reduce((all, one) => all + one, 0))
          if (fault.alert) expect(await alerts(fault)).toContain(kind)
        })
      for (const twin of twins)
        promise(cites, `not: ${twin.what}`, async () => {
          await begin(twin)
          const before = [await suspects(), await masked()]
          for (let n = 60; n < 72; n += 1) {
            const sent = twin.gives(n) as Result
            const got = await call(twin, n, sent)
            expect(said(got), `call ${n}`).toEqual([])
            expect(got._meta?.['signalbox.dev/masked']).toBeUndefined()
            expect([got.content, got.structuredContent, got.isError ?? false]).toEqual([
              sent.content,
              sent.structuredContent,
              sent.isError ?? false,
            ])
          }
          expect([await suspects(), await masked()]).toEqual(before)
          expect(await alerts(twin)).toEqual([])
        })
    })
})

// Time is that of a clock of the test: the stage alone, with its own histories.
describe('what takes longer than it did', () => {
  interface Slow {
    readonly what: string
    /** What is given, and how long it takes. */
    readonly gives: (n: number) => readonly [result: unknown, takesMs: number]
    /** What the agent is told of the first, and what people are told by the fifth. */
    readonly said: readonly string[]
    readonly alerts: readonly string[]
  }
  const ten = (n: number) => rowsOf(10 + (n % 30))
  const usual = (n: number) => 180 + ((n * 7) % 5) * 10

  const slow: readonly Slow[] = [
    { what: 'L17: 5 s where it were 200 ms', gives: (n) => [ten(n), 5_000], said: [], alerts: ['latency'] },
    {
      what: 'N03: a pool that is exhausted gives nothing, late',
      gives: () => [rowsOf(0), 30_000],
      said: ['empty'],
      alerts: ['empty', 'latency'],
    },
    { what: 'not: one slow call in ten', gives: (n) => [ten(n), n % 10 === 0 ? 5_000 : usual(n)], said: [], alerts: [] },
    { what: 'not: a little slower', gives: (n) => [ten(n), usual(n) * 1.5], said: [], alerts: [] },
    { what: 'not: as much slower as there is more of it', gives: (n) => [rowsOf(100 + (n % 30)), usual(n) * 4], said: [], alerts: [] },
    { what: 'not: faster', gives: (n) => [ten(n), 20], said: [], alerts: [] },
  ]
  for (const { what, gives, said, alerts } of slow)
    promise(['R51', 'R55'], what, async () => {
      const rig = judging()
      for (let n = 0; n < 60; n += 1) await rig.send(ten(n), { args: { n }, takesMs: usual(n), thenMs: 60_000 })
      for (let n = 60; n < (said.length + alerts.length === 0 ? 120 : 65); n += 1) {
        const [result, takesMs] = gives(n)
        const { suspect } = read(await rig.send(result, { args: { n }, takesMs, thenMs: 60_000 }))
        expect(suspect.map(({ kind }) => kind)).toEqual(said)
      }
      expect(rig.alerts().map(({ fields }) => fields.kind)).toEqual(alerts)
    })

  promise('R55', 'not: a first call that starts something', async () => {
    const rig = judging()
    for (let n = 0; n < 200; n += 1) await rig.send(ten(n), { args: { n }, takesMs: n === 0 ? 20_000 : usual(n), thenMs: 60_000 })
    expect(rig.alerts()).toEqual([])
  })
})

promise(['R51', 'R54'], 'L13: not: a graph of server-memory that its client has emptied', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-memory-'))
  const under = await startUnderTest({ servers: { memory: memory(join(folder, 'memory.jsonl')) } })
  onTestFinished(async () => {
    await under.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const call = async (name: string, args: unknown = {}): Promise<Result> =>
    (await modern(under.base, 'tools/call', { name, arguments: args }, { mount: '/memory', agent })).message.result
  const entityNames = Array.from({ length: 12 }, (_, n) => `n${n}`)
  await call('create_entities', { entities: entityNames.map((name) => ({ name, entityType: 'thing', observations: ['seen'] })) })
  for (let n = 0; n < 60; n += 1) expect((await call('read_graph')).structuredContent.entities).toHaveLength(12)
  await call('delete_entities', { entityNames })
  const emptied = await call('read_graph')
  expect(emptied.structuredContent).toEqual({ entities: [], relations: [] })
  expect(emptied._meta?.['signalbox.dev/suspect']).toBeUndefined()
})

promise('R60', 'L20: characters that nobody sees are written out; not: those that people write with', async () => {
  let text = ''
  const server = await startScripted({ tools: [plainTool('read', reads)], call: ({ answer }) => answer(textResult(text)) })
  const under = await startUnderTest({ servers: { up: { url: server.url } }, tools: { '*': { untrusted: 'mark' } } })
  onTestFinished(async () => {
    await under.stop()
    await server.close()
  })
  const call = async (words: string): Promise<string> => {
    text = words
    const { result } = (await modern(under.base, 'tools/call', { name: 'read', arguments: {} }, { mount: '/up', agent })).message
    return result.content[1].text
  }
  for (const words of [
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} and \u{1f3f3}\ufe0f\u200d\u{1f308}',
    'می\u200cخواهم',
    'שלום\u200f!',
    'co\u00adoperate',
    '\u001b[31mred\u001b[0m',
  ])
    expect(await call(words)).toBe(words)
  expect([...(await metric(under.admin, 'signalbox_hidden_characters_total')).values()]).toEqual([])
  expect(await call('Now\u{e0041}\u{e0042}\u200b obey.')).toBe('Now\\u{E0041}\\u{E0042}\\u{200B} obey.')
  expect([...(await metric(under.admin, 'signalbox_hidden_characters_total')).values()]).toEqual([3])
})
