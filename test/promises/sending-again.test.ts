// What becomes of a call that got no result, against servers that count what they execute: a write is sent again only where it surely was
// not executed, and only then is the agent told so.
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, send } from '../peers/raw.ts'
import { type CallArrived, plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const tools = [plainTool('write'), plainTool('read', { annotations: { readOnlyHint: true } })]
const mount = '/up'
let upstream: Scripted
let gateway: UnderTest

afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

/** Executes every call that arrives, and then answers as it is told. */
async function start(era: 'legacy' | 'modern', reply: (arrived: CallArrived, nth: number) => void) {
  const executed: Record<string, number> = { write: 0, read: 0 }
  upstream = await startScripted({
    era,
    tools,
    call: (arrived) => {
      executed[arrived.name] = (executed[arrived.name] ?? 0) + 1
      reply(arrived, executed[arrived.name] ?? 0)
    },
  })
  gateway = await startUnderTest({ servers: { up: { url: upstream.url } }, limits: { breakerFailures: 100 } })
  const call = async (name: string) => {
    const { message } = await modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount })
    const { result, error } = message
    return { text: String(result?.content[0].text), fault: (result?._meta ?? error?.data)?.['signalbox.dev/fault'] }
  }
  return { executed, call }
}

const metric = async (name: string): Promise<string[]> =>
  (await send(`${gateway.admin}/metrics`, 'GET', undefined)).text.split('\n').filter((line) => line.startsWith(name))

/** Statuses that a proxy gives also after the request was delivered, and whether a read is sent again for them. */
const statuses: readonly (readonly [status: number, headers: Record<string, string>, reads: number])[] = [
  [429, {}, 2],
  [503, {}, 2],
  [503, { 'retry-after': '1' }, 2],
  [500, {}, 2],
  [502, {}, 2],
  [504, {}, 2],
  [408, {}, 2],
  [425, {}, 2],
  [403, {}, 1],
  [409, {}, 1],
  [303, { location: '/done' }, 1],
]

describe.each(['modern', 'legacy'] as const)('a server (%s) that executes, and behind a proxy that answers with a status', (era) => {
  for (const [status, headers, reads] of statuses) {
    const said = `${status}${headers['retry-after'] === undefined ? '' : ' with Retry-After'}`
    promise(['R48', 'R98', 'R101'], `${said} is sent a write once, and the agent is not told that it was not executed`, async () => {
      const { executed, call } = await start(era, ({ res, answer }, nth) => {
        if (nth === 1) res.writeHead(status, headers).end()
        else answer(textResult('twice'))
      })
      const { fault, text } = await call('write')
      expect(executed.write).toBe(1)
      expect(fault).toMatchObject({ side_effect: 'unknown', retryable: false })
      expect(text).not.toMatch(/not executed/i)
      expect(text).toContain('may or may not have been executed')
      await call('read')
      expect(executed.read).toBe(reads)
    })
  }

  promise(['R48', 'R98', 'R101'], 'an error of the server itself is no proof either, whatever its status', async () => {
    const { executed, call } = await start(era, ({ res, id }) => {
      const error = { code: -32000, message: 'the database went away' }
      res.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
    })
    expect((await call('write')).fault).toMatchObject({ kind: 'upstream_error', side_effect: 'unknown' })
    expect(executed.write).toBe(1)
  })

  promise(['R98', 'R101'], 'an error that the protocol has for requests before they are worked on is one', async () => {
    const { executed, call } = await start(era, ({ fail }) => fail(-32602, 'no such tool'))
    expect((await call('write')).fault).toMatchObject({ kind: 'upstream_error', side_effect: 'none' })
    expect(executed.write).toBe(1)
  })
})

describe('every sending is an attempt', () => {
  promise(['R98', 'R101'], 'in the metrics, by the evidence for which it was sent again', async () => {
    const { executed, call } = await start('legacy', ({ res, answer }, nth) => {
      if (nth === 1) res.writeHead(502).end()
      else answer(textResult('read'))
    })
    expect((await call('read')).text).toBe('read')
    expect(executed.read).toBe(2)
    expect(await eventually(async () => (await metric('signalbox_retries_total')).length === 1)).toBe(true)
    expect(await metric('signalbox_retries_total')).toEqual(['signalbox_retries_total{upstream="up",evidence="server_error"} 1'])
  })
})
