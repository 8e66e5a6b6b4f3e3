// One item that is nested too deep costs its server that item, over every transport.
import { describe, expect, onTestFinished, test } from 'vitest'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, modernServer, type Reply, type Script, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { tooDeepKey } from '../../core/protocol/deep-items.ts'

const deep = '['.repeat(5_000) + ']'.repeat(5_000)
const list = `{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"deep","inputSchema":{"type":"object","x":${deep}}}]}`

const listing =
  (form: 'json' | 'events'): Script =>
  ({ body }): Reply | undefined => {
    if (body.method !== 'tools/list') return undefined
    const message = `{"jsonrpc":"2.0","id":${body.id},"result":${list}}`
    if (form === 'json') return { raw: message }
    return { raw: `event: message\ndata: ${message}\n\n`, headers: { 'content-type': 'text/event-stream' } }
  }

async function settingsOf(how: string): Promise<Record<string, unknown>> {
  if (how === 'stdio') {
    const code = `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
      if(m.method==='initialize')console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:{protocolVersion:'2025-06-18',capabilities:{tools:{}},serverInfo:{name:'c',version:'1'}}}));
      else if(m.method==='tools/list')console.log('{"jsonrpc":"2.0","id":'+m.id+',"result":'+process.argv[1]+'}')})`
    return { command: process.execPath, args: ['-e', code, list], era: 'legacy' }
  }
  const [era = '', form = ''] = how.split(' ')
  const own = listing(form as 'json' | 'events')
  const server = await scripted(era === 'modern' ? modernServer(own) : legacyServer(own))
  onTestFinished(() => server.stop())
  return { url: server.url, era, transport: 'streamable-http' }
}

describe('a list with an item that is nested too deep', () => {
  test.each(['stdio', 'legacy json', 'legacy events', 'modern json', 'modern events'])('brings the others: %s', async (how) => {
    const made = upstreamAt(await settingsOf(how))
    const never = new AbortController().signal
    expect(await made.upstream.ready(never)).toBeUndefined()
    const items: unknown[] = []
    for await (const item of made.upstream.items('tool', never)) items.push(item.json())
    expect(items).toEqual([
      { name: 'a', inputSchema: { type: 'object' } },
      { name: 'deep', [tooDeepKey]: true },
    ])
  })
})
