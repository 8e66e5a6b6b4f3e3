// What becomes of a call that got no result, against servers that count what they execute: a write is sent again only where it surely was
// not executed, and only then is the agent told so.
import { afterEach, describe, expect } from 'vitest'
import { type Config, startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern, send, upstreamsOf } from '../peers/raw.ts'
import { type CallArrived, plainTool, type Script, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const tools = [
  plainTool('write'),
  plainTool('destroy', { annotations: { destructiveHint: true, idempotentHint: false } }),
  plainTool('read', { annotations: { readOnlyHint: true } }),
]
const mount = '/up'
let upstream: Scripted
let gateway: UnderTest

afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

/** Executes every call that arrives, and then answers as it is told. */
async function start(
  era: 'legacy' | 'modern',
  reply: (arrived: CallArrived, nth: number) => void,
  settings: Config = {},
  script: Script = {},
) {
  const executed: Record<string, number> = { write: 0, destroy: 0, read: 0 }
  upstream = await startScripted({
    ...script,
    era,
    tools,
    call: (arrived) => {
      executed[arrived.name] = (executed[arrived.name] ?? 0) + 1
      reply(arrived, executed[arrived.name] ?? 0)
    },
  })
  gateway = await startUnderTest({ servers: { up: { url: upstream.url } }, limits: { breakerFailures: 100 }, ...settings })
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

  promise(
    ['R98', 'R101'],
    'says in any form when to come back: the agent is told, and a read is sent again then where the deadline allows',
    async () => {
      const forms: readonly [headers: Record<string, string>, ms: number][] = [
        [{ 'retry-after': '0.02' }, 20],
        [{ ratelimit: '"default";r=0;t=3600' }, 3_600_000],
        [{ 'ratelimit-reset': '3600' }, 3_600_000],
        [{ 'x-ratelimit-reset': '99999999999999' }, 86_400_000],
      ]
      const { executed, call } = await start(era, ({ name, res, answer }, nth) => {
        const form = forms[nth - 1]
        if (name === 'write' && form !== undefined) res.writeHead(429, form[0]).end()
        else if (name === 'read' && nth === 1) res.writeHead(503, { 'retry-after': '0.02' }).end()
        else answer(textResult('done'))
      })
      for (const [, ms] of forms) {
        expect((await call('write')).fault).toMatchObject({ kind: 'upstream_busy', retry_after_ms: ms })
        // Else it would be asked no more until then.
        await send(`${gateway.admin}/admin/v1/upstreams/up/actions`, 'POST', '{"action":"resume"}')
      }
      expect((await call('read')).text).toBe('done')
      expect(executed).toMatchObject({ write: forms.length, read: 2 })
    },
  )

  promise(['R98', 'R101'], 'an error whose data say when to come back is sent again then, a read alone', async () => {
    const { executed, call } = await start(era, ({ res, id, answer }, nth) => {
      if (nth > 1) return answer(textResult('done'))
      const error = { code: -32000, message: 'not now', data: { retry_after: 0.02 } }
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
    })
    expect((await call('write')).fault).toMatchObject({ kind: 'upstream_error', retryable: false, retry_after_ms: 20 })
    expect((await call('read')).text).toBe('done')
    expect(executed).toMatchObject({ write: 1, read: 2 })
  })

  promise(['R98', 'R101'], 'the same in the headers of an error with a status of its own', async () => {
    const { executed, call } = await start(era, ({ res, id, answer }, nth) => {
      if (nth > 1) return answer(textResult('done'))
      const error = { code: -32000, message: 'not now' }
      res.writeHead(429, { 'content-type': 'application/json', 'retry-after': '0.02' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
    })
    expect((await call('write')).fault).toMatchObject({ kind: 'upstream_error', retry_after_ms: 20 })
    expect((await call('read')).text).toBe('done')
    expect(executed).toMatchObject({ write: 1, read: 2 })
  })

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

describe.each(['modern', 'legacy'] as const)('what configuration says of a tool holds whatever its server (%s) says', (era) => {
  const onceBusy = ({ res, answer }: CallArrived, nth: number): void => {
    if (nth === 1) res.writeHead(503).end()
    else answer(textResult('done'))
  }

  promise(['R98'], 'a write with `idempotent: true` is sent again where nobody knows', async () => {
    const { executed, call } = await start(era, onceBusy, { tools: { 'up/destroy': { idempotent: true } } })
    expect((await call('destroy')).text).toBe('done')
    expect(executed.destroy).toBe(2)
    // No other tool of the server is meant.
    expect((await call('write')).fault).toMatchObject({ side_effect: 'unknown', retryable: false })
    expect(executed.write).toBe(1)
  })

  promise(['R98', 'R101'], 'a read with `idempotent: false` is not, and the agent is not told that it may try again', async () => {
    const { executed, call } = await start(era, onceBusy, { tools: { 'up/re*': { idempotent: false } } })
    const { fault, text } = await call('read')
    expect(executed.read).toBe(1)
    expect(fault).toMatchObject({ kind: 'upstream_busy', side_effect: 'unknown', retryable: false })
    expect(text).toContain('check before calling it again')
  })

  promise(['R98', 'R101'], 'of a lost answer it says the same', async () => {
    const cut = ({ res }: CallArrived): void => void res.destroy()
    const { executed, call } = await start(era, cut, { tools: { up: { idempotent: false }, 'up/destroy': { idempotent: true } } })
    expect((await call('read')).fault).toMatchObject({ kind: 'outcome_unknown', side_effect: 'unknown', retryable: false })
    expect((await call('destroy')).fault).toMatchObject({ kind: 'upstream_unavailable', side_effect: 'unknown', retryable: true })
    expect(executed).toMatchObject({ read: 1, destroy: 3 })
  })

  promise(['R98'], 'and a selector that selects none of its tools is shown to operators', async () => {
    await start(era, onceBusy, { tools: { 'up/wirte': { idempotent: true }, up: { retry: 'reads' } } })
    const [told] = await upstreamsOf(gateway.admin)
    expect(told).toMatchObject({ name: 'up', unmatchedSelectors: [{ selector: 'up/wirte', candidates: ['up/write'] }] })
  })

  promise(['R98'], '`retry: never` sends nothing again', async () => {
    const { executed, call } = await start(era, onceBusy, { tools: { '*': { retry: 'never' }, 'up/write': { idempotent: true } } })
    // What the agent may do is another matter.
    expect((await call('read')).fault).toMatchObject({ side_effect: 'unknown', retryable: true })
    expect((await call('write')).fault).toMatchObject({ side_effect: 'unknown', retryable: true })
    expect(executed).toMatchObject({ read: 1, write: 1 })
    expect(await metric('signalbox_retries_total')).toEqual([])
  })
})

describe('a server that lost its session', () => {
  const lost = ({ res, id, answer }: CallArrived, nth: number): void => {
    const error = { code: -32001, message: 'Session not found' }
    if (nth === 1) res.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
    else answer(textResult('done'))
  }

  promise(['R98'], 'gets the write again on a new session, also one that may not be executed twice', async () => {
    const { call } = await start('legacy', lost, { tools: { up: { idempotent: false } } }, { session: 'one' })
    expect((await call('write')).text).toBe('done')
    expect(upstream.count('tools/call')).toBe(2)
  })

  promise(['R98', 'R101'], 'does not with `retry: never`, and the next call has its new session', async () => {
    const { call } = await start('legacy', lost, { tools: { up: { retry: 'never' } } }, { session: 'one' })
    expect((await call('write')).fault).toMatchObject({ side_effect: 'none' })
    expect(upstream.count('tools/call')).toBe(1)
    const before = upstream.count('initialize')
    expect((await call('write')).text).toBe('done')
    expect(upstream.count('tools/call')).toBe(2)
    expect(upstream.count('initialize')).toBe(before + 1)
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
