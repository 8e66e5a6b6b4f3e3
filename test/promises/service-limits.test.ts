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
  promise(
    ['R70', 'R78', 'R101'],
    'is a fault with the words of the server and the time, counted, and asked nothing more until then',
    async () => {
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
    },
  )

  promise(['R70', 'R78', 'R101'], 'in an error of JSON-RPC is the same, with the error of the server', async () => {
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

/** Says this to tools whose name begins so, and answers the others. */
function saying(era: 'legacy' | 'modern', headers: Record<string, string>, status: number, body?: (id: unknown) => unknown) {
  return startScripted({
    era,
    tools: ['busy', 'busy_too', 'free'].map((name) => plainTool(name)),
    call: ({ id, name, res, answer }) => {
      const isFirst = upstream.seen.filter(({ method, params }) => method === 'tools/call' && params.name === name).length === 1
      if (!name.startsWith('busy') || !isFirst) return answer(textResult(name))
      res.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body(id)))
    },
  })
}

const ofLimit = (id: unknown) => ({ jsonrpc: '2.0', id, error: { code: -32_000, message: 'come back later' } })

describe.each(['modern', 'legacy'] as const)('a server (%s) that asks to wait by HTTP', (era) => {
  async function begin(headers: Record<string, string>, status: number, body?: (id: unknown) => unknown, more: object = {}) {
    upstream = await saying(era, headers, status, body)
    gateway = await startUnderTest({ servers: { up: { url: upstream.url, ...more } } })
    return async (name: string) => {
      const { result, error } = (await modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount: '/up' })).message
      const text: string | undefined = result?.content[0].text
      return { text, fault: (result?._meta ?? error?.data)?.['signalbox.dev/fault'] }
    }
  }

  for (const [how, status, headers, body] of [
    ['429', 429, { 'retry-after': '600' }, undefined],
    ['503 with a time', 503, { 'retry-after': '600' }, undefined],
    ['429 with `RateLimit`', 429, { ratelimit: '"default";r=0;t=600' }, undefined],
    ['429 with an error of JSON-RPC', 429, { 'retry-after': '600' }, ofLimit],
  ] as const) {
    promise(['R78', 'R95', 'R101'], `${how}: is asked nothing more for the tool until then, nor for any once a second met it`, async () => {
      const call = await begin(headers, status, body)
      expect((await call('busy')).fault).toMatchObject({ retry_after_ms: 600_000, side_effect: 'unknown' })
      const asked = upstream.count('tools/call')
      for (let n = 0; n < 5; n += 1) {
        const { fault, text } = await call('busy')
        expect(fault).toMatchObject({ kind: 'downstream_rate_limited', category: 'integration', retryable: true, side_effect: 'none' })
        expect(fault.detail).toMatchObject({ scope: 'tool', tool: 'busy', status, held: true })
        expect(fault.retry_after_ms).toBeGreaterThan(500_000)
        expect(text).toContain(String(fault.retry_after_ms))
      }
      expect(upstream.count('tools/call')).toBe(asked)
      expect(await call('free')).toEqual({ text: 'free', fault: undefined })
      await call('busy_too')
      expect((await call('free')).fault?.detail).toMatchObject({ scope: 'upstream', held: true })
      expect(upstream.count('tools/call')).toBe(asked + 2)
    })
  }

  promise(['R95', 'R101'], 'is believed for an hour at most', async () => {
    const call = await begin({ 'retry-after': String(365 * 86_400) }, 429)
    await call('busy')
    const { fault } = await call('busy')
    expect(fault.retry_after_ms).toBeLessThanOrEqual(3_600_000)
    expect(fault.retry_after_ms).toBeGreaterThan(3_500_000)
  })

  promise(['R78', 'R95', 'R101'], 'is asked again when the time is over', async () => {
    const call = await begin({ 'retry-after': '0.3' }, 503)
    await call('busy')
    await expect.poll(() => call('busy'), { timeout: 5_000 }).toEqual({ text: 'busy', fault: undefined })
    expect(await call('busy')).toEqual({ text: 'busy', fault: undefined })
  })

  promise(['R95', 'R101'], 'and one that names no time is asked at once by the next call', async () => {
    for (const status of [429, 503]) {
      const call = await begin({}, status)
      expect((await call('busy')).fault).toMatchObject({ kind: 'upstream_busy' })
      expect(await call('busy')).toEqual({ text: 'busy', fault: undefined })
      if (status === 503) continue
      await gateway.stop()
      await upstream.close()
    }
  })
})
