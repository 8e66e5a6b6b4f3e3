// Each attempt at an upstream has a span of its own, which is what the upstream takes for its parent.
import { afterEach, expect, test } from 'vitest'
import { startUnderTest } from './peers/gateway.ts'
import { modern } from './peers/raw.ts'
import { plainTool, startScripted, textResult } from './peers/scripted.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

test.each(['modern', 'legacy'] as const)('a %s server that is asked twice hears two spans of one trace', async (era) => {
  let calls = 0
  const up = await startScripted({
    era,
    tools: [plainTool('look', { annotations: { readOnlyHint: true } })],
    call: ({ res, answer }) => {
      calls += 1
      if (calls === 1) res.writeHead(503).end()
      else answer(textResult('seen'))
    },
  })
  open.push(up.close)
  const gateway = await startUnderTest({ servers: { up: { url: up.url, era } } })
  open.push(gateway.stop)
  const client = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const params = { name: 'up__look', arguments: {}, _meta: { traceparent: client } }
  expect((await modern(gateway.base, 'tools/call', params)).message.result.content[0].text).toBe('seen')
  const heard = up.seen.flatMap(({ method, params }) => (method === 'tools/call' ? [String(params._meta.traceparent).split('-')] : []))
  expect(heard.map(([version, trace, , flags]) => [version, trace, flags])).toEqual(Array(2).fill(['00', client.split('-')[1], '01']))
  const spans = heard.map(([, , span]) => span)
  expect(new Set([...spans, client.split('-')[2]]).size).toBe(3)
  for (const span of spans) expect(span).toMatch(/^[0-9a-f]{16}$/)
})
