// A service behind a server that answers otherwise than before shows, though no contract says so.
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { legacy, metric, modern, openSession } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function inFrontOf(era: 'legacy' | 'modern', answer: () => unknown): Promise<UnderTest> {
  const outputSchema = { type: 'object', properties: { total: { type: 'integer' } }, required: ['total'] }
  const tools = [plainTool('find'), plainTool('count', { outputSchema })]
  const up = await startScripted({ era, tools, call: (arrived) => arrived.answer(answer()) })
  open.push(up.close)
  const started = await startUnderTest({ servers: { up: { url: up.url, era } } })
  open.push(started.stop)
  return started
}

const suspects = async ({ admin }: UnderTest) => [...(await metric(admin, 'signalbox_suspect_total'))]

describe.each(['legacy', 'modern'] as const)('a %s server', (era) => {
  promise('R80', 'whose service renames a field is told of once, before long', async () => {
    let rows: unknown = [{ id: 1, owner: 'ana' }]
    const under = await inFrontOf(era, () => textResult(JSON.stringify({ rows })))
    const session = await openSession(under.base, { mount: '/up' })
    const calls = async (times: number) => {
      for (let n = 0; n < times; n += 1) {
        const params = { name: 'find', arguments: { page: n % 10 } }
        const asked =
          n % 2 === 0
            ? modern(under.base, 'tools/call', params, { mount: '/up' })
            : legacy(under.base, session, 'tools/call', params, { mount: '/up' })
        expect((await asked).message.result?.isError ?? false).toBe(false)
      }
    }
    await calls(30)
    expect(await suspects(under)).toEqual([])
    rows = [{ id: 1, assignee: 'ana' }]
    await calls(60)
    expect(await suspects(under)).toEqual([['upstream="up",reason="result_shape"', 1]])
  })

  promise('R80', 'whose structured content breaks its schema says so in the result, which is kept', async () => {
    let total: unknown = 3
    const under = await inFrontOf(era, () => ({ content: [], structuredContent: { total } }))
    const call = async () => (await modern(under.base, 'tools/call', { name: 'count', arguments: {} }, { mount: '/up' })).message.result
    expect((await call())?._meta?.['signalbox.dev/suspect']).toBeUndefined()
    total = 'three'
    const result = await call()
    expect(result?.structuredContent).toEqual({ total: 'three' })
    expect(result?._meta?.['signalbox.dev/suspect']).toEqual({
      reasons: [
        { kind: 'result_schema', rule: 'schema', usual: expect.any(String), seen: expect.stringMatching(/^\/total: expected integer/) },
      ],
    })
    expect(await suspects(under)).toEqual([['upstream="up",reason="result_schema"', 1]])
  })
})
