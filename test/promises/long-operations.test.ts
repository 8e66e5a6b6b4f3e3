// What takes long, and what is cut off on the way: streams are kept alive, and each way of losing a connection has one defined outcome.
import { type Agent, Agent as HttpAgent } from 'node:http'
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, modern, openSession, send } from '../peers/raw.ts'
import { type CallArrived, plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const tools = [
  plainTool('write'),
  plainTool('read', { annotations: { readOnlyHint: true } }),
  plainTool('replace', { annotations: { idempotentHint: true, destructiveHint: true } }),
]
let upstream: Scripted
let gateway: UnderTest

async function start(call: (arrived: CallArrived) => void, config: Record<string, unknown> = {}): Promise<string> {
  upstream = await startScripted({ tools, call })
  gateway = await startUnderTest({ servers: { up: { url: upstream.url, era: 'legacy' } }, ...config })
  return gateway.base
}

afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

const mount = '/up'
const faultOf = (message: { result: { _meta: Record<string, { kind: string; side_effect: string }> } }) =>
  Object.values(message.result._meta)[0]

describe('a stream on which nothing happens', () => {
  promise(['R48', 'R77'], 'is kept alive for both eras until the answer comes', async () => {
    const waiting: (() => void)[] = []
    const base = await start(({ answer }) => void waiting.push(() => answer(textResult('at last'))), { http: { keepAliveMs: 100 } })
    const session = await openSession(base, { mount })
    let beats = 0
    const heard = (text: string): void => {
      if (/^:/m.test(text)) beats += 1
    }
    const one = modern(base, 'tools/call', { name: 'write', arguments: {} }, { mount, onText: heard })
    expect(await eventually(() => beats >= 3)).toBe(true)
    beats = 0
    const controller = new AbortController()
    const stream = send(`${base}/mcp${mount}`, 'GET', undefined, {
      headers: { ...session, accept: 'text/event-stream' },
      onText: heard,
      signal: controller.signal,
    }).catch(() => undefined)
    expect(await eventually(() => beats >= 3)).toBe(true)
    beats = 0
    const two = legacy(base, session, 'tools/call', { name: 'write', arguments: {} }, { mount, onText: heard })
    expect(await eventually(() => beats >= 6)).toBe(true)
    for (const finish of waiting) finish()
    for (const answer of [await one, await two]) expect(answer.message.result.content[0].text).toBe('at last')
    controller.abort()
    await stream
  })
})

describe('a connection that drops in mid-call', () => {
  promise(['R48', 'R77', 'R101'], 'leaves the outcome of a write unknown, says so, and does not write twice', async () => {
    const base = await start(({ res }) => res.destroy())
    const { message } = await modern(base, 'tools/call', { name: 'write', arguments: {} }, { mount })
    expect(message.result.isError).toBe(true)
    expect(faultOf(message)).toMatchObject({ kind: 'outcome_unknown', side_effect: 'unknown', retryable: false })
    expect(upstream.count('tools/call')).toBe(1)
  })

  promise(['R48', 'R98'], 'is made good where repeating is safe: what only reads, and what is declared idempotent', async () => {
    let cuts = 0
    const base = await start(({ res, name, answer }) => {
      cuts += 1
      if (cuts % 2 === 1) res.destroy()
      else answer(textResult(`${name} at the second attempt`))
    })
    for (const name of ['read', 'replace']) {
      const { message } = await modern(base, 'tools/call', { name, arguments: {} }, { mount })
      expect(message.result.content[0].text).toBe(`${name} at the second attempt`)
    }
    expect(upstream.count('tools/call')).toBe(4)
  })

  promise('R48', 'half an answer is no answer', async () => {
    const base = await start(({ res, id }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(`data: {"jsonrpc":"2.0","id":${id},"result":{"content":[`, () => res.destroy())
    })
    const { message } = await modern(base, 'tools/call', { name: 'write', arguments: {} }, { mount })
    expect(faultOf(message)).toMatchObject({ kind: 'outcome_unknown', side_effect: 'unknown' })
  })

  promise('R48', 'on the side of a session client is resumed: the answer waits and is delivered once', async () => {
    let finish: (() => void) | undefined
    const base = await start(({ answer }) => {
      finish = () => answer(textResult('after the cut'))
    })
    const session = await openSession(base, { mount })
    let text = ''
    const agent: Agent = new HttpAgent()
    const cut = legacy(
      base,
      session,
      'tools/call',
      { name: 'write', arguments: {} },
      {
        mount,
        agent,
        onText: (part) => {
          text += part
        },
      },
    ).catch(() => undefined)
    expect(await eventually(() => /^id: /m.test(text))).toBe(true)
    agent.destroy()
    await cut
    finish?.()
    const last = [...text.matchAll(/^id: ?(.+)$/gm)].pop()?.[1] ?? ''
    let resumed = ''
    const controller = new AbortController()
    const stream = send(`${base}/mcp${mount}`, 'GET', undefined, {
      headers: { ...session, accept: 'text/event-stream', 'last-event-id': last },
      signal: controller.signal,
      onText: (part) => {
        resumed += part
      },
    }).catch(() => undefined)
    expect(await eventually(() => resumed.includes('after the cut'))).toBe(true)
    controller.abort()
    await stream
    expect(upstream.count('tools/call')).toBe(1)
  })
})

describe('an answer that is too large', () => {
  promise(['R49', 'R77'], 'becomes a link with a marker, readable in slices; the connection and other calls go on', async () => {
    const base = await start(({ name, answer }) => answer(textResult(name === 'write' ? 'x'.repeat(50_000) : 'small')), {
      limits: { resultBytes: 10_000 },
    })
    const { message } = await modern(base, 'tools/call', { name: 'write', arguments: {} }, { mount })
    const link = message.result.content.find((part: { type: string }) => part.type === 'resource_link')
    expect(JSON.stringify(message.result._meta)).toContain('spilled')
    const slice = await modern(base, 'resources/read', { uri: link.uri }, { mount })
    expect(slice.message.result.contents[0].text).toContain('xxxx')
    expect((await modern(base, 'tools/call', { name: 'read', arguments: {} }, { mount })).message.result.content[0].text).toBe('small')
  })

  promise(['R49', 'R77'], 'and one beyond what is read at all is refused with its limit, also without disturbing others', async () => {
    const base = await start(({ name, answer }) => answer(textResult(name === 'write' ? 'x'.repeat(200_000) : 'small')), {
      limits: { resultBytes: 10_000, messageBytes: 100_000 },
    })
    const { message } = await modern(base, 'tools/call', { name: 'write', arguments: {} }, { mount })
    expect(faultOf(message)?.kind).toBe('result_too_large')
    expect(JSON.stringify(message)).toContain('100000')
    expect((await modern(base, 'tools/call', { name: 'read', arguments: {} }, { mount })).message.result.content[0].text).toBe('small')
  })
})
