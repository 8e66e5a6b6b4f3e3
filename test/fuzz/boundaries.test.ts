// What a bug of ours costs: bugs are put into the running gateway, one at each source of events, and none costs more than the message, the
// call or the connection that it is met in.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Reply } from '../../src/downstream/http/reply.ts'
import { PostReply } from '../../src/downstream/legacy/post-reply.ts'
import { LegacySession } from '../../src/downstream/legacy/session.ts'
import { EventStream } from '../../src/downstream/legacy/stream.ts'
import { RequestAnswer } from '../../src/upstream/http/answer.ts'
import { LegacyCall } from '../../src/upstream/legacy/legacy-call.ts'
import { ModernConnection } from '../../src/upstream/modern/connection.ts'
import { StdioWire } from '../../src/upstream/stdio/wire.ts'
import { eventually } from '../peers/processes.ts'
import { Callers, type Heard } from './callers.ts'
import { type Rig, startRig } from './rig.ts'
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

afterEach(async () => {
  vi.restoreAllMocks()
  await eventually(() => rig.unrest() === undefined, 5_000)
  expect(rig.unrest()).toBeUndefined()
  for (const target of ['child-legacy', 'child-modern', 'http-legacy', 'http-modern', 'sse', 'bystander'])
    await callers.echo('modern', target)
  rig.forget()
})

const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":@TOKEN@,"progress":1}}'
const says = (text: string, end: Script['end'] = 'answer'): Script => ({ chunks: [Buffer.from(text).toString('base64')], end })
const line = says(`${progress}\n`)
const event = says(`data: ${progress}\n\n`)

function breaks<T extends object>(type: { readonly prototype: T }, method: string): void {
  vi.spyOn(type.prototype as Record<string, () => void>, method).mockImplementationOnce(() => {
    throw new Error('a bug of the test')
  })
}

const faultOf = (heard: Heard): string | undefined => {
  const { result, error } = heard.messages.at(-1) ?? {}
  return (result?._meta?.['signalbox.dev/fault'] ?? error?.data)?.kind
}

/** The call ended as a fault, with its one record and the stack under its id. */
function costTheCall(heard: Heard): void {
  expect(faultOf(heard), heard.text).toBe('internal')
  const [record, ...more] = rig.records
  expect([record?.fault?.kind, more]).toEqual(['internal', []])
  expect(rig.bugs()).toHaveLength(1)
  expect(rig.bugs()[0]).toContain(`${record?.id}`)
  expect(rig.bugs()[0]).toContain('a bug of the test')
}

/** The call was answered as if nothing had been. */
function costTheMessage(heard: Heard): void {
  expect(heard.messages.at(-1)?.result?.content?.[0]?.text, heard.text).toBe('played')
  expect(rig.bugs()).toHaveLength(1)
  expect(rig.bugs()[0]).toContain('a bug of the test')
}

test('a door that fails on an event: the call', async () => {
  for (const [target, script] of [
    ['child-legacy', line],
    ['child-modern', line],
    ['http-legacy', event],
    ['http-modern', event],
    ['sse', event],
  ] as const) {
    breaks(Reply, 'emit')
    const heard = await callers.play('modern', target, script)
    await eventually(() => rig.records.length > 0)
    costTheCall(heard)
    rig.forget()
    breaks(EventStream, 'send')
    const legacy = await callers.play('legacy', target, script)
    await eventually(() => rig.records.length > 0)
    costTheCall(legacy)
    rig.forget()
  }
})

test('a message of a child that fails within its connection: the message', async () => {
  breaks(LegacyCall, 'emit')
  costTheMessage(await callers.play('modern', 'child-legacy', line))
  rig.forget()
  breaks(ModernConnection, 'hearStray')
  costTheMessage(await callers.play('modern', 'child-modern', line))
  rig.forget()
  breaks(LegacyCall, 'emit')
  costTheMessage(await callers.play('modern', 'sse', event))
})

test('a line of a child that cannot be read: the line', async () => {
  breaks(StdioWire, 'read')
  costTheMessage(await callers.play('modern', 'child-legacy', line))
})

test.each(['begin', 'readEvents', 'end'])('the answer of an HTTP server, at %s: the call', async (method) => {
  breaks(RequestAnswer, method)
  const heard = await callers.play('modern', 'http-modern', says(`data: ${progress}\n\n`, method === 'end' ? 'nothing' : 'answer'))
  await eventually(() => rig.records.length > 0)
  costTheCall(heard)
})

test('an answer to a legacy client that cannot be written: the call', async () => {
  breaks(PostReply, 'answer')
  await expect(callers.play('legacy', 'child-legacy', line)).rejects.toThrow()
  await eventually(() => rig.records.length > 0)
  expect(rig.records.map(({ fault, delivery }) => [fault?.kind, delivery])).toEqual([['internal', 'failed']])
})

test('an end between two legs that cannot be written: the request, whose leg has its record', async () => {
  breaks(PostReply, 'answer')
  const asks = '"resultType":"input_required","requestState":"s","inputRequests":{"q":{"method":"roots/list"}}'
  const script = says(`data: {"jsonrpc":"2.0","id":@ID@,"result":{${asks}}}\n\n`, 'nothing')
  const heard = await callers.play('legacy', 'http-modern', script)
  expect(heard.text).toContain('"kind":"internal"')
  await eventually(() => rig.records.length > 1)
  const [leg, end, ...more] = rig.records
  expect([leg?.outcome, end?.fault?.kind, more]).toEqual(['input_required', 'internal', []])
  expect(end?.id).not.toBe(leg?.id)
})

test('one request of a batch: the answer, and the others have their own records', async () => {
  const hello = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'batch', version: '1' } }
  const opened = await callers.send('POST', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }), {})
  rig.forget()
  breaks(LegacySession, 'setLevel')
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'bystander__echo', arguments: { said: 'x' } } }
  const level = { jsonrpc: '2.0', id: 3, method: 'logging/setLevel', params: { level: 'debug' } }
  const heard = await callers.send('POST', JSON.stringify([call, level]), { 'mcp-session-id': opened.header('mcp-session-id') })
  expect(heard.text).toContain('"kind":"internal"')
  await eventually(() => rig.records.length > 1)
  expect(rig.records.map(({ fault, method }) => [method, fault?.kind]).sort()).toEqual([
    ['logging/setLevel', 'internal'],
    ['tools/call', undefined],
  ])
  expect(new Set(rig.records.map(({ id }) => id)).size).toBe(2)
})

test('an answer that cannot be written: the call', async () => {
  breaks(Reply, 'end')
  await expect(callers.play('modern', 'child-legacy', line)).rejects.toThrow()
  await eventually(() => rig.records.length > 0)
  expect(rig.records.map((record) => record.fault?.kind)).toEqual(['internal'])
})
