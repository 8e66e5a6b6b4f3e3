import { describe, expect, it } from 'vitest'
import { itemDepth, readListing, tooDeepKey } from './deep-items.ts'
import { MalformedJson, maxDepth } from './scan.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const answer = (result: string): Buffer => Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`)
const listed = (bytes: Uint8Array): unknown => {
  const message = readListing(bytes)
  return message.kind === 'result' ? message.result.json() : message
}

describe('a list of which one item is nested too deep', () => {
  it.each([
    ['tools', 'name'],
    ['prompts', 'name'],
    ['resources', 'uri'],
    ['resourceTemplates', 'uriTemplate'],
    ['skills', 'uri'],
  ])('is read with a mark in its place, which tells its name: %s', (list, key) => {
    const deep = `{"x" : ${nested(600)},"${key}":"d\\u0065ep \\"[","n":1}`
    expect(listed(answer(`{"nextCursor":"c","${list}":[ {"${key}":"a","s":"[[]"} , ${deep},{"${key}":"b"}]}`))).toEqual({
      nextCursor: 'c',
      [list]: [{ [key]: 'a', s: '[[]' }, { [key]: 'deep "[', [tooDeepKey]: true }, { [key]: 'b' }],
    })
  })

  it('by one level, is told apart from one that is just not', () => {
    const tool = (depth: number): string => `{"name":"t","x":${nested(depth - 1)}}`
    const value = listed(answer(`{"tools":[${tool(itemDepth)},${tool(itemDepth + 1)}]}`)) as { tools: Record<string, unknown>[] }
    expect(value.tools.map((one) => one[tooDeepKey])).toEqual([undefined, true])
  })

  it.each([['first'], ['only'], ['nameless'], ['no object']])('is read wherever and whatever that is: %s', (how) => {
    const items = { first: `{"name":"d","x":${nested(600)}},{"name":"a"}`, only: `{"name":"d","x":${nested(100_000)}}` }
    const item = how === 'nameless' ? `{"x":${nested(600)}}` : how === 'no object' ? nested(700) : items[how as keyof typeof items]
    const value = listed(answer(`{"tools":[${item}]}`)) as { tools: Record<string, unknown>[] }
    expect(value.tools[0]?.[tooDeepKey]).toBe(true)
  })
})

describe('what is nested too deep anywhere else', () => {
  it.each([
    ['the result of a call', answer(`{"content":[{"type":"text","x":${nested(600)}}]}`)],
    ['the result beside its list', answer(`{"tools":[],"x":${nested(600)}}`)],
    ['params', Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"tools":[${nested(600)}]}}`)],
    ['no object', Buffer.from(nested(maxDepth + 1))],
    ['what is no JSON', answer(`{"tools":[{"name":"a","x":${nested(600)}},]}`)],
    ['what ends early', Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"tools":[${'['.repeat(600)}`)],
  ])('is refused as it was: %s', (_where, bytes) => {
    expect(() => readListing(bytes)).toThrow(MalformedJson)
  })
})
