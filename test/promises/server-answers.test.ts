// What a server answers reaches its caller as it was meant: its own error codes, an id in another spelling, log messages that name a call.
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { legacy, metric, modern, openSession } from '../peers/raw.ts'
import { plainTool, type Script, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const mount = '/up'

async function gateway(up: Record<string, unknown>): Promise<UnderTest> {
  const started = await startUnderTest({ servers: { up } })
  open.push(started.stop)
  return started
}

async function inFrontOf(script: Script): Promise<UnderTest> {
  const up = await startScripted(script)
  open.push(up.close)
  return gateway({ url: up.url, era: script.era })
}

describe.each(['legacy', 'modern'] as const)('a %s server', (era) => {
  promise('R2', 'has its own error codes arrive in both eras', async () => {
    for (const code of [-32002, -32000, -32042, 7]) {
      const { base } = await inFrontOf({ era, call: ({ fail }) => fail(code, 'its own words') })
      const session = await openSession(base, { mount })
      for (const answer of [
        await modern(base, 'tools/call', { name: 'echo', arguments: {} }, { mount }),
        await legacy(base, session, 'tools/call', { name: 'echo', arguments: {} }, { mount }),
      ]) {
        expect(answer.message.error).toMatchObject({ code, message: 'its own words' })
        expect(answer.message.error.data?.uri).toBeUndefined()
      }
    }
  })

  promise('R2', 'may write the number of an id as text', async () => {
    const { base, admin } = await inFrontOf({
      era,
      call: ({ id, res }) => {
        const result = { ...(era === 'modern' ? { resultType: 'complete' } : {}), ...textResult('taken') }
        res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: String(id), result }))
      },
    })
    const { message } = await modern(base, 'tools/call', { name: 'echo', arguments: {} }, { mount })
    expect(message.result).toMatchObject({ content: [{ text: 'taken' }] })
    expect((await metric(admin, 'signalbox_proto_anomaly_total')).get('upstream="up",type="id_type"')).toBe(1)
  })
})

/** Answers when two calls are there, and logs for each, in the other order, with what `naming` makes of the id of its request. */
const loggingChild = (naming: string) => ({
  command: process.execPath,
  args: [
    '-e',
    `
    const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
    const whole = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
    const waiting = []
    let rest = ''
    process.stdin.on('end', () => process.exit(0))
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n'); rest = lines.pop()
      for (const line of lines) {
        const { id, method, params } = JSON.parse(line)
        if (method === 'server/discover') say({ id, result: { ...whole, supportedVersions: ['2026-07-28'], capabilities: { tools: {}, logging: {} } } })
        else if (method === 'tools/list') say({ id, result: { ...whole, tools: ${JSON.stringify([plainTool('echo')])} } })
        else if (method === 'tools/call') {
          waiting.unshift({ id, who: params.arguments.who })
          if (waiting.length < 2) continue
          for (const { id, who } of waiting) say({ method: 'notifications/message', params: { level: 'info', data: who, _meta: ${naming} } })
          for (const { id } of waiting) say({ id, result: { ...whole, content: [] } })
        } else if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
      }
    })`,
  ],
  era: 'modern',
  concurrency: 2,
})

describe('log messages of calls that run at once in one stateless child', () => {
  for (const naming of [
    "{ 'io.modelcontextprotocol/subscriptionId': id }",
    '{ progressToken: id }',
    '{ requestId: String(id) }',
    "{ 'io.modelcontextprotocol/relatedRequestId': id }",
  ]) {
    promise('R2', `go to the call that ${naming} names`, async () => {
      const { base } = await gateway(loggingChild(naming))
      const heard = await Promise.all(
        ['a', 'b'].map(async (who) => {
          const _meta = { 'io.modelcontextprotocol/logLevel': 'info' }
          const { text } = await modern(base, 'tools/call', { name: 'echo', arguments: { who }, _meta }, { mount })
          return [...text.matchAll(/"data":"(\w)"/g)].map(([, data]) => data)
        }),
      )
      expect(heard).toEqual([['a'], ['b']])
    })
  }
})
