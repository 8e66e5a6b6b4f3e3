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

describe('a server with sessions', () => {
  promise('R2', 'has codes of its own that mean something else in stateless revisions', async () => {
    for (const code of [-32020, -32021, -32022]) {
      let executed = 0
      const { base } = await inFrontOf({
        era: 'legacy',
        session: 's',
        call: ({ id, res }) => {
          executed += 1
          const error = { code, message: 'its own words', data: { row: 7 } }
          res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
        },
      })
      const session = await openSession(base, { mount })
      const { message } = await legacy(base, session, 'tools/call', { name: 'echo', arguments: {} }, { mount })
      expect(message.error).toMatchObject({ code, message: 'its own words', data: { row: 7 } })
      // A stateless client would read a refusal of its request there, and send it again.
      const modernly = await modern(base, 'tools/call', { name: 'echo', arguments: {} }, { mount })
      expect(modernly.status).toBe(200)
      expect(modernly.message.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('its own words') }] })
      expect(executed).toBe(2)
    }
  })
})

/** Asks what the call says, and tells what it was answered. */
const askingChild = {
  command: process.execPath,
  args: [
    '-e',
    `
    const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
    const open = new Map()
    let rest = ''
    process.stdin.on('end', () => process.exit(0))
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n'); rest = lines.pop()
      for (const line of lines) {
        const { id, method, params, ...answer } = JSON.parse(line)
        if (method === 'initialize') say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'asks', version: '1' } } })
        else if (method === 'tools/list') say({ id, result: { tools: ${JSON.stringify([plainTool('ask')])} } })
        else if (method === 'tools/call') {
          open.set('q' + id, id)
          say({ id: 'q' + id, method: params.arguments.method, params: params.arguments.params })
        } else if (open.has(id)) {
          delete answer.jsonrpc
          say({ id: open.get(id), result: { content: [{ type: 'text', text: JSON.stringify(answer) }] } })
        } else if (method !== undefined && id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
      }
    })`,
  ],
  era: 'legacy',
}

const form = { message: 'x', requestedSchema: { type: 'object', properties: {} } }
const url = { mode: 'url', message: 'x', url: 'https://example.test/', elicitationId: 'e' }
const sample = { messages: [], maxTokens: 1 }

describe('a server that asks a client what it did not declare', () => {
  promise('R3', 'hears the error of a client that is connected directly, whatever the era of that client', async () => {
    const { base } = await gateway(askingChild)
    for (const [capabilities, method, params, code, says] of [
      [{}, 'elicitation/create', form, -32601, 'elicitation'],
      [{}, 'elicitation/create', url, -32601, 'URL-mode elicitation'],
      [{ elicitation: {} }, 'elicitation/create', url, -32602, 'URL-mode elicitation'],
      [{ elicitation: { url: {} } }, 'elicitation/create', form, -32602, 'form-mode elicitation'],
      [{ elicitation: {} }, 'sampling/createMessage', sample, -32601, 'sampling'],
      [{ sampling: {} }, 'sampling/createMessage', { ...sample, tools: [] }, -32602, 'sampling with tools'],
      [{ sampling: {} }, 'roots/list', undefined, -32601, 'roots'],
    ] as const) {
      const session = await openSession(base, { mount, capabilities })
      const asked = { name: 'ask', arguments: { method, params } }
      for (const { message } of [
        await legacy(base, session, 'tools/call', asked, { mount }),
        await modern(base, 'tools/call', asked, { mount, capabilities }),
      ]) {
        expect(JSON.parse(message.result.content[0].text)).toEqual({ error: { code, message: `Client does not support ${says}` } })
      }
    }
  })
})

/** Answers when two calls are there, and logs for each, in the other order, with what `naming` makes of the id of its request. */
const loggingChild = (era: string, naming: string) => ({
  command: process.execPath,
  args: [
    '-e',
    `
    const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
    const whole = ${era === 'modern'} ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}
    const waiting = []
    let rest = ''
    process.stdin.on('end', () => process.exit(0))
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n'); rest = lines.pop()
      for (const line of lines) {
        const { id, method, params } = JSON.parse(line)
        if (method === 'initialize' && ${era === 'legacy'}) say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo: { name: 'logs', version: '1' } } })
        else if (method === 'logging/setLevel') say({ id, result: {} })
        else if (method === 'server/discover' && ${era === 'modern'}) say({ id, result: { ...whole, supportedVersions: ['2026-07-28'], capabilities: { tools: {}, logging: {} } } })
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
  era,
  concurrency: 2,
})

describe.each(['modern', 'legacy'])('log messages of calls that run at once in one %s child', (era) => {
  for (const naming of [
    "{ 'io.modelcontextprotocol/subscriptionId': id }",
    '{ progressToken: id }',
    '{ requestId: String(id) }',
    "{ 'io.modelcontextprotocol/relatedRequestId': id }",
  ]) {
    promise('R2', `go to the call that ${naming} names`, async () => {
      const { base } = await gateway(loggingChild(era, naming))
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
