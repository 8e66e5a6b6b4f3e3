// Every input that once broke the gateway, by name and as small as it was found.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../peers/processes.ts'
import { Callers, claim, type Heard, modernHeaders } from './callers.ts'
import { type Rig, startRig, type Target } from './rig.ts'
import type { Script } from './script.mjs'

let rig: Rig
let callers: Callers

beforeAll(async () => {
  rig = await startRig()
  callers = new Callers(rig)
  await callers.open()
  await eventually(() => rig.unrest() === undefined)
  rig.forget()
}, 60_000)

afterAll(async () => {
  callers.close()
  await rig.stop()
})

/** What holds after each: no bug was met, all is at rest, each call has its one record, and the others are served. */
afterEach(async () => {
  await eventually(() => rig.unrest() === undefined, 5_000)
  expect(rig.unrest()).toBeUndefined()
  expect(rig.bugs()).toEqual([])
  for (const target of ['child-legacy', 'child-modern', 'http-legacy', 'http-modern', 'sse', 'bystander'])
    await callers.echo('modern', target)
  rig.forget()
})

const said = (...texts: string[]): Pick<Script, 'chunks'> => ({ chunks: texts.map((text) => Buffer.from(text).toString('base64')) })
const line = (message: string): Script => ({ ...said(`{"jsonrpc":"2.0",${message}}\n`), end: 'answer' })
const event = (message: string): Script => ({ ...said(`data: {"jsonrpc":"2.0",${message}}\n\n`), end: 'answer' })
const body = (message: string): Script => ({
  ...said(`{"jsonrpc":"2.0",${message}}`),
  end: 'answer',
  headers: { 'content-type': 'application/json' },
})
const faultOf = (heard: Heard): string | undefined => {
  const { result, error } = heard.messages.at(-1) ?? {}
  return (result?._meta?.['signalbox.dev/fault'] ?? error?.data)?.kind
}

const doubledToken = '"method":"notifications/progress","params":{"progressToken":@TOKEN@,"progressToken":@TOKEN@,"progress":1}'
const escapedToken = '"method":"notifications/progress","params":{"progressToken":@TOKEN@,"\\u0070rogressToken":@TOKEN@,"progress":1}'

describe('a member that stands twice costs the message', () => {
  test.each<[string, Target, Script]>([
    ['progressToken, from a child', 'child-legacy', line(doubledToken)],
    ['progressToken, once escaped, from a child', 'child-legacy', line(escapedToken)],
    ['progressToken, from a modern child', 'child-modern', line(doubledToken)],
    ['progressToken, in an event', 'http-legacy', event(doubledToken)],
    ['progressToken, in an event of a modern server', 'http-modern', event(doubledToken)],
    ['progressToken, over HTTP+SSE', 'sse', event(doubledToken)],
  ])('%s', async (_name, target, script) => {
    const before = rig.counted.get('proto_anomaly') ?? 0
    for (const caller of ['modern', 'legacy', 'stdio'] as const) {
      const heard = await callers.play(caller, target, script)
      expect(heard.messages.map((message) => message.result?.content?.[0]?.text)).toEqual(['played'])
    }
    expect(rig.counted.get('proto_anomaly')).toBe(before + 3)
  })

  test('uri in the update of a resource that somebody listens to', async () => {
    const stop = new AbortController()
    const params = { notifications: { resourceSubscriptions: ['hostile://r'] }, _meta: claim }
    const listening = fetch(`${rig.base}/mcp`, {
      method: 'POST',
      signal: stop.signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...modernHeaders('subscriptions/listen'),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
    })
    const reader = (await listening).body?.getReader()
    const read = async (): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(await read()).toContain('resourceSubscriptions":["hostile://r"]')
    const update = (members: string): Script => line(`"method":"notifications/resources/updated","params":{${members}}`)
    await callers.play('modern', 'child-legacy', update('"uri":"hostile://r","uri":"hostile://r"'))
    await callers.play('modern', 'child-legacy', update('"uri":"hostile://r","n":2'))
    expect(await read()).toContain('"n":2')
    stop.abort()
  })
})

describe('a member that stands twice costs the call', () => {
  const results = ['"_meta":{},"_meta":{}', '"_meta":{},"\\u005fmeta":{}', '"isError":true,"isError":false']
  test.each<[Target, (message: string) => Script]>([
    ['child-legacy', (message) => ({ ...line(message), end: 'nothing' })],
    ['child-modern', (message) => ({ ...line(message), end: 'nothing' })],
    ['http-legacy', body],
    ['http-modern', body],
    ['http-legacy', event],
    ['http-modern', event],
    ['sse', (message) => ({ ...event(message), end: 'nothing' })],
  ])('in a result of %s', async (target, script) => {
    for (const caller of ['modern', 'legacy', 'stdio'] as const) {
      for (const result of results) {
        const heard = await callers.play(caller, target, script(`"id":@ID@,"result":{"content":[],${result}}`))
        expect(heard.status).toBe(200)
        expect(faultOf(heard), heard.text).toBe('upstream_protocol_error')
      }
    }
  })
})

test('a question that no client can be asked ends the request between two legs, with a record of its own beside that of the leg', async () => {
  const asks = '"id":@ID@,"result":{"resultType":"input_required","requestState":"s","inputRequests":{"q":{"method":"roots/list"}}}'
  const heard = await callers.play('legacy', 'http-modern', event(asks))
  expect(faultOf(heard), heard.text).toBe('input_refused')
  await eventually(() => rig.records.length > 1)
  const [leg, end, ...more] = rig.records
  expect([leg?.outcome, end?.fault?.kind, more]).toEqual(['input_required', 'input_refused', []])
  expect(end?.id).not.toBe(leg?.id)
  expect(heard.text).toContain(`"correlation_id":"${end?.id}"`)
})
