import { describe, expect, it } from 'vitest'
import { readMessage } from './jsonrpc.ts'

const read = (text: string) => readMessage(Buffer.from(text))

describe('a message of which a routed member stands twice', () => {
  it.each([
    ['"progressToken":7,"progressToken":7,"progress":1', 'progressToken'],
    ['"progressToken":7,"\\u0070rogressToken":8,"progress":1', 'progressToken'],
    ['"uri":"a://1","uri":"a://2"', 'uri'],
    ['"_meta":{},"_meta":{}', '_meta'],
    [
      '"_meta":{"io.modelcontextprotocol/subscriptionId":1,"io.modelcontextprotocol\\/subscriptionId":2}',
      'io.modelcontextprotocol/subscriptionId',
    ],
  ])('is ambiguous as a notification: %s', (params, what) => {
    expect(read(`{"jsonrpc":"2.0","method":"notifications/x","params":{${params}}}`)).toEqual({
      kind: 'ambiguous',
      of: 'notification',
      id: undefined,
      what: `${what} stands twice in one object`,
    })
  })

  it.each([
    '"_meta":{},"_meta":{}',
    '"isError":true,"isError":false',
    '"content":[],"\\u0063ontent":[]',
    '"_meta":{"progressToken":1,"progressToken":2}',
  ])('is ambiguous as a result, whose request is known all the same: %s', (members) => {
    expect(read(`{"jsonrpc":"2.0","id":7,"result":{${members}}}`)).toMatchObject({ kind: 'ambiguous', of: 'answer', id: '7' })
  })

  it.each(['"code":1,"code":2,"message":""', '"code":1,"message":"","data":{"uri":"a","uri":"b"}'])(
    'is ambiguous as an error: %s',
    (error) => {
      expect(read(`{"jsonrpc":"2.0","id":7,"error":{${error}}}`)).toMatchObject({ kind: 'ambiguous', of: 'answer', id: '7' })
    },
  )

  it.each([
    '"id":1,"id":1,"result":{}',
    '"id":1,"\\u0069d":2,"error":{"code":1}',
    '"id":1,"result":{},"result":{}',
    '"id":1,"error":{"code":1},"error":{"code":1}',
  ])('is ambiguous as a whole: %s', (members) => {
    const twice = members.split('id"').length > 2 || members.includes('\\u0069d')
    expect(read(`{"jsonrpc":"2.0",${members}}`)).toMatchObject({ kind: 'ambiguous', of: 'answer', id: twice ? undefined : '1' })
  })

  it('can still be refused by its id as a request, and by nobody where the id stands twice', () => {
    expect(read('{"jsonrpc":"2.0","id":"q","method":"roots/list","params":{"_meta":1,"_meta":2}}')).toMatchObject({
      kind: 'request',
      id: '"q"',
      params: undefined,
      ambiguous: '_meta stands twice in one object',
    })
    expect(read('{"jsonrpc":"2.0","id":1,"id":2,"method":"roots/list"}')).toMatchObject({ kind: 'ambiguous', of: 'notification' })
  })

  it('is no matter where nobody reads it', () => {
    const notification = '{"jsonrpc":"2.0","x":1,"x":2,"method":"m","params":{"data":1,"data":2,"deep":{"uri":1,"uri":2}}}'
    expect(read(notification).kind).toBe('notification')
    expect(read('{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"a":1,"a":2},"x":1,"x":2}}').kind).toBe('result')
  })
})

describe('an error answer keeps the words of its server', () => {
  it.each([
    ['{"code":-32050,"message":"no"}', -32050, 'no'],
    ['{"message":"no such table"}', -32603, 'no such table'],
    ['{"code":null,"message":"no such table"}', -32603, 'no such table'],
    ['{"code":"E_TABLE","message":"no such table"}', -32603, 'no such table'],
    ['{"code":"-32050","message":"no"}', -32050, 'no'],
    ['{"code":1.5,"message":"half"}', -32603, 'half'],
    ['{"code":1e300,"message":"far"}', -32603, 'far'],
    ['"no such table"', -32603, 'no such table'],
    ['["no","table"]', -32603, '["no","table"]'],
    ['{"detail":"no such table"}', -32603, '{"detail":"no such table"}'],
    ['{"message":{"en":"no"}}', -32603, '{"message":{"en":"no"}}'],
    ['true', -32603, 'true'],
    ['{"code":-32050}', -32050, ''],
  ])('%s', (error, code, message) => {
    const incoming = read(`{"jsonrpc":"2.0","id":7,"error":${error}}`)
    expect(incoming).toMatchObject({ kind: 'error', id: '7', code, message })
    expect(incoming.kind === 'error' && Buffer.from(incoming.error.bytes).toString()).toBe(error)
  })

  it('also beside a result that is null, as JSON-RPC 1.0 has it', () => {
    expect(read('{"jsonrpc":"2.0","id":7,"result":null,"error":"no"}')).toMatchObject({ kind: 'error', message: 'no' })
    expect(read('{"jsonrpc":"2.0","id":7,"result":{},"error":null}')).toMatchObject({ kind: 'result', id: '7' })
    expect(() => read('{"jsonrpc":"2.0","id":7,"error":null}')).toThrow('error is null')
  })
})
