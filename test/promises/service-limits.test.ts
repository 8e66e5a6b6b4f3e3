// A service behind a server limits the rate of calls, and the server says so in a result: agents and operators are told what it is, and the
// service is left alone until the time that it names.
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

let upstream: Scripted
let gateway: UnderTest
afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

const said = 'failed to search: 403 API rate limit exceeded for user ID 1234. [rate reset in 12m34s]'

async function start(era: 'legacy' | 'modern') {
  upstream = await startScripted({
    era,
    tools: [plainTool('search'), plainTool('explain'), plainTool('fails')],
    call: ({ name, answer, fail }) => {
      if (name === 'search') answer({ ...textResult(said), isError: true })
      else if (name === 'fails') fail(-32_000, 'Rate limit exceeded. Retry after 90 seconds')
      else answer(textResult(said))
    },
  })
  gateway = await startUnderTest({ servers: { up: { url: upstream.url } } })
  return async (name: string) => (await modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount: '/up' })).message
}

describe.each(['modern', 'legacy'] as const)('a service behind a server (%s) that limits', (era) => {
  promise(['R70', 'R101'], 'is a fault with the words of the server and the time, counted, and asked nothing more until then', async () => {
    const call = await start(era)
    const { result } = await call('search')
    const fault = result._meta['signalbox.dev/fault']
    expect(fault).toMatchObject({
      kind: 'downstream_rate_limited',
      category: 'integration',
      retry_after_ms: 754_000,
      side_effect: 'unknown',
    })
    expect(fault.detail).toMatchObject({ suspect: 'limit_text', rule: 'github' })
    expect(result.isError).toBe(true)
    expect(result.content[1].text).toBe(said)
    const asked = upstream.count('tools/call')
    const early = (await call('search')).result
    expect(early._meta['signalbox.dev/fault']).toMatchObject({ kind: 'downstream_rate_limited', retryable: true, side_effect: 'none' })
    expect(early._meta['signalbox.dev/fault'].retry_after_ms).toBeGreaterThan(700_000)
    // Its words were said to another call.
    expect(JSON.stringify(early)).not.toContain('user ID')
    expect(upstream.count('tools/call')).toBe(asked)
    expect((await metric(gateway.admin, 'signalbox_suspect_total')).get('upstream="up",reason="limit_text"')).toBe(1)
  })

  promise(['R70', 'R101'], 'in an error of JSON-RPC is the same, with the error of the server', async () => {
    const call = await start(era)
    const { result, error } = await call('fails')
    const fault = (result?._meta ?? error?.data)?.['signalbox.dev/fault']
    expect(fault).toMatchObject({ kind: 'downstream_rate_limited', retry_after_ms: 90_000 })
    expect(JSON.stringify(result ?? error)).toContain('Retry after 90 seconds')
  })

  promise('R70', 'and what a tool says of limits, for an answer, is an answer', async () => {
    const call = await start(era)
    for (let n = 0; n < 2; n += 1) expect((await call('explain')).result).toMatchObject({ content: [{ text: said }] })
  })
})
