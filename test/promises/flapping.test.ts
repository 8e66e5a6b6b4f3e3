// A server, or what stands behind it, that fails three calls of ten, in bursts: reads succeed nearly always, it has at most a tenth more to do,
// nothing is left alone for it, and what may not be executed twice is sent once.
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

const calls = 100

describe.each(['modern', 'legacy'] as const)('a server (%s)', (era) => {
  /** `fails`: whether the nth request of a call is answered with this status. */
  async function start(status: number, fails: (nth: number) => boolean) {
    let asked = 0
    let failed = 0
    upstream = await startScripted({
      era,
      tools: [plainTool('read', { annotations: { readOnlyHint: true } }), plainTool('write')],
      call: ({ res, answer }) => {
        asked += 1
        if (!fails(asked)) return answer(textResult('done'))
        failed += 1
        res.writeHead(status, { 'content-type': 'text/plain' }).end('no')
      },
    })
    gateway = await startUnderTest({ servers: { up: { url: upstream.url } } })
    const all = async (tool: string) => {
      const kinds: string[] = []
      for (let n = 0; n < calls; n += 1) {
        const { result } = (await modern(gateway.base, 'tools/call', { name: tool, arguments: { n } }, { mount: '/up' })).message
        const fault = result._meta?.['signalbox.dev/fault']
        kinds.push(fault === undefined ? result.content[0].text : fault.kind)
      }
      return kinds
    }
    return { all, asked: () => asked, failed: () => failed }
  }
  const inBursts = (nth: number): boolean => nth % 10 < 3
  const retries = async (): Promise<number> =>
    [...(await metric(gateway.admin, 'signalbox_retries_total')).values()].reduce((a, b) => a + b, 0)

  for (const [status, kind] of [
    [503, 'upstream_busy'],
    [500, 'upstream_http_error'],
  ] as const) {
    promise(
      ['R98', 'R99'],
      `that fails three reads of ten with ${status} has a tenth more to do at most, and its circuits stay closed`,
      async () => {
        const { all, asked, failed } = await start(status, inBursts)
        const kinds = await all('read')
        // Nothing but that it failed, or that it went well: no circuit opened.
        expect(new Set(kinds)).toEqual(new Set(['done', kind]))
        const good = kinds.filter((one) => one === 'done').length
        // What failed and was repeated went well, or failed again.
        expect(calls - good).toBeLessThan(failed())
        expect(good).toBeGreaterThan(calls * 0.7)
        expect(asked()).toBe(calls + (await retries()))
        expect(asked()).toBeGreaterThan(calls)
        expect(asked()).toBeLessThanOrEqual(calls * 1.1)
      },
    )
  }

  promise(['R48', 'R98'], 'that fails three writes of ten is sent each once', async () => {
    const { all, asked, failed } = await start(503, inBursts)
    const kinds = await all('write')
    expect(asked()).toBe(calls)
    expect(kinds.filter((one) => one === 'upstream_busy').length).toBe(failed())
    expect(new Set(kinds)).toEqual(new Set(['done', 'upstream_busy']))
  })

  promise(['R98', 'R99'], 'that fails nothing is sent each call once', async () => {
    const { all, asked } = await start(503, () => false)
    expect(new Set(await all('read'))).toEqual(new Set(['done']))
    expect([asked(), await retries()]).toEqual([calls, 0])
  })
})
