import { expect, it } from 'vitest'
import { answeredBy } from './oversize.ts'

const asked = (...methods: string[]) => methods.map((method, id) => ({ request: { id, method } }))
const answered = (head: string, ...methods: string[]) => answeredBy(Buffer.from(head), asked(...methods))?.request.id

it.each([
  ['the id stands first', '{"jsonrpc":"2.0","id":1,"result":{"content":[', ['tools/call', 'tools/call'], 1],
  ['the id alone stands first', '{ "id" : 0, "result"', ['tools/call', 'tools/call'], 0],
  ['an id that is nobody’s', '{"id":7,"result":{', ['tools/call'], undefined],
  ['a list', '{"result":{"tools":[{"name":"a"', ['tools/call', 'tools/list'], 1],
  ['a list behind the version', '{"jsonrpc":"2.0","result":{"resourceTemplates":[', ['tools/call', 'resources/templates/list'], 1],
  ['a result of a call beside a list and a ping', '{"result":{"content":[{"type":"text"', ['ping', 'tools/list', 'tools/call'], 2],
  ['nothing that can be read, beside a ping', 'aaaaaaaa', ['ping', 'resources/read'], 1],
  ['nothing that can be read, beside a list', 'aaaaaaaa', ['prompts/list', 'prompts/get'], 1],
  ['nothing that can be read, and a list alone', 'aaaaaaaa', ['tools/list'], 0],
  ['one of two calls', '{"result":{"content":[', ['tools/call', 'tools/call'], undefined],
  ['nothing was asked', '{"result":{"content":[', [], undefined],
])('%s', (_what, head, methods, id) => {
  expect(answered(head, ...methods)).toBe(id)
})
