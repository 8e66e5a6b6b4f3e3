// Each way in which a result may be wrong though it was given for a success, beside the nearest healthy traffic. Of the first the agent, the
// metrics and the alerts say so; of the second nobody says anything, and what the server sent is what comes.
import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type Case, rows } from '../doubles/gateway/result-rows.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const reads = { annotations: { readOnlyHint: true } }
const agent = new Agent({ keepAlive: true })
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
    const said = [...names].flatMap(([{ quality }, name]) => (quality === undefined ? [] : [[`up/${name}`, { quality }]]))
    under = await startUnderTest({ servers: { up: { url: server.url, era } }, tools: Object.fromEntries(said) })
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
  const suspects = async () => [...(await metric(under.admin, 'signalbox_suspect_total')).values()].reduce((all, one) => all + one, 0)
  const alerts = async (one: Case): Promise<string[]> => {
    const { alerts: all } = (await (await fetch(`${under.admin}/admin/v1/alerts`)).json()) as { alerts: Result[] }
    return all.filter(({ tool }) => tool === names.get(one)).map(({ kind }) => kind)
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
          const before = await suspects()
          const times = fault.alert ? 4 : 1
          const [kind = ''] = fault.said.split('/')
          for (let n = 60; n < 60 + times; n += 1) {
            const sent = fault.gives(n) as Result
            const given = await call(fault, n, sent)
            expect(said(given)[0]).toMatch(n === 60 ? fault.said : kind)
            expect(given.content.slice(0, -1)).toEqual(sent.content)
            expect(given.structuredContent).toEqual(sent.structuredContent)
            expect(given.content.at(-1).text).toMatch(fault.words ?? /^suspect: /)
          }
          expect(await suspects()).toBeGreaterThanOrEqual(before + times)
          if (fault.alert) expect(await alerts(fault)).toContain(kind)
        })
      for (const twin of twins)
        promise(cites, `not: ${twin.what}`, async () => {
          await begin(twin)
          const before = await suspects()
          for (let n = 60; n < 72; n += 1) {
            const sent = twin.gives(n) as Result
            const given = await call(twin, n, sent)
            expect(said(given), `call ${n}`).toEqual([])
            expect([given.content, given.structuredContent, given.isError ?? false]).toEqual([
              sent.content,
              sent.structuredContent,
              sent.isError ?? false,
            ])
          }
          expect(await suspects()).toBe(before)
          expect(await alerts(twin)).toEqual([])
        })
    })
})
