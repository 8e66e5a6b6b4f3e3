// A server that refuses our revision and says which it takes: in a body of any type, under any id, of `initialize` or of what follows it.
import { describe, expect, test } from 'vitest'
import { peer, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, type Reply, type Request, type Script } from '../../../test/doubles/upstream/scripted-http.ts'
import { makeCall, send, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal

const echo = (options = {}) => makeCall('tools/call', { name: 'echo' }, options)
const versionOf = ({ body }: Pick<Request, 'body'>) => String(body.params?.protocolVersion)
const greetings = (requests: readonly Request[]) => requests.filter(({ body }) => body.method === 'initialize')

/** Takes one revision in `initialize`. */
const taking = (revision: string, refusal: Reply): Script =>
  legacyServer((request) => {
    if (request.body.method !== 'initialize') return undefined
    if (versionOf(request) !== revision) return refusal
    return {
      headers: { 'mcp-session-id': 's1' },
      result: { protocolVersion: revision, capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } },
    }
  })

const words = 'Bad Request: Unsupported protocol version (supported versions: 2025-03-26, 2024-11-05)'

describe('a server that takes another revision than ours', () => {
  test.each<[string, Reply]>([
    ['a text', { status: 400, raw: words, headers: { 'content-type': 'text/plain; charset=utf-8' } }],
    ['a text of no type', { status: 400, raw: words, headers: { 'content-type': '' } }],
    ['a page', { status: 400, raw: `<html><p>${words}</p></html>`, headers: { 'content-type': 'text/html' } }],
    ['JSON that is no JSON-RPC', { status: 400, raw: JSON.stringify({ error: words }) }],
    [
      'a problem of RFC 9457',
      { status: 400, raw: JSON.stringify({ detail: words }), headers: { 'content-type': 'application/problem+json' } },
    ],
    ['HTTP 422', { status: 422, raw: JSON.stringify({ detail: [{ msg: words }] }) }],
    ['HTTP 500', { status: 500, raw: words, headers: { 'content-type': 'text/plain' } }],
    ['an error under no id', { status: 400, error: { code: -32000, message: words }, id: null }],
    ['an error under a text', { status: 400, error: { code: -32000, message: words }, id: 'server-error' }],
    ['an error under another number', { status: 400, error: { code: -32000, message: words }, id: 0 }],
    ['HTTP 200 and an error under a text', { error: { code: -32600, message: words }, id: 'server-error' }],
    ['HTTP 200 and an error under another number', { error: { code: -32600, message: words }, id: 0 }],
    [
      'an event with an error under a text',
      {
        raw: `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'server-error', error: { code: -32600, message: words } })}\n\n`,
        headers: { 'content-type': 'text/event-stream' },
      },
    ],
  ])('and says which by %s is greeted with one of those', async (_how, refusal) => {
    const server = await peer(taking('2025-03-26', refusal))
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe('2025-03-26')
    expect(greetings(server.requests).map(versionOf)).toEqual(['2025-11-25', '2025-03-26'])
  })

  test.each(['null', '"server-error"', '0'])('is asked for that as a child, which says so under the id %s', async (id) => {
    const { upstream } = upstreamAt({
      command: process.execPath,
      args: [
        '-e',
        `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
         const put=(o)=>console.log(JSON.stringify({jsonrpc:'2.0',...o}));
         if(m.method==='initialize'){if(m.params.protocolVersion!=='2025-03-26')put({id:${id},error:{code:-32600,message:'${words}'}});
           else put({id:m.id,result:{protocolVersion:'2025-03-26',capabilities:{},serverInfo:{name:'c',version:'1'}}})}
         else if(m.id!==undefined)put({id:m.id,error:{code:-32601,message:'no'}})})`,
      ],
    })
    expect(await upstream.ready(never)).toBeUndefined()
    expect(upstream.describe().revision).toBe('2025-03-26')
  })

  test('and dates a page is not taken to list any', async () => {
    const page = '<html>Changed on 2024-11-05</html>'
    const server = await peer(legacyServer(({ body }) => (body.method === 'initialize' ? { status: 400, raw: page } : undefined)))
    const { upstream } = upstreamAt({ url: server.url, era: 'legacy', transport: 'streamable-http' })
    expect(await upstream.ready(never)).toMatchObject({ kind: 'upstream_http_error' })
    // Less is declared, once each: that is not about the page.
    expect(greetings(server.requests).map(versionOf)).toEqual(['2025-11-25', '2025-11-25', '2024-11-05'])
  })

  test('and says so of the header only, after initialize, is greeted with one of those', async () => {
    const server = await peer(
      legacyServer((request) => {
        const { body, headers, verb } = request
        if (body.method === 'initialize')
          return {
            headers: { 'mcp-session-id': 's1' },
            result: { protocolVersion: versionOf(request), capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } },
          }
        const version = String(headers['mcp-protocol-version'])
        return verb === 'DELETE' || version === '2025-03-26'
          ? undefined
          : { status: 400, raw: words, headers: { 'content-type': 'text/plain' } }
      }),
    )
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, echo()))).toBe('done')
    expect(upstream.describe().revision).toBe('2025-03-26')
    expect(textOf(await send(upstream, echo({ affinity: 's' })))).toBe('done')
    expect(greetings(server.requests).map(versionOf)).toEqual(['2025-11-25', '2025-03-26', '2025-03-26'])
  })
})
