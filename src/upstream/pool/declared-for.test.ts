// What a server with `initialize` is told of the client that a session is for: what a client that is connected directly would say.
import { describe, expect, onTestFinished, test } from 'vitest'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { legacyServer, type Request, type Script, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { startSessionServer } from '../../../test/doubles/upstream/session-server.ts'
import { answerAll, asksAll, type CallOptions, makeCall, send, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { ClientCapabilities } from '../../core/call/call.ts'

const never = new AbortController().signal
const declaredBy = ({ body }: Request) => (body.params?.capabilities ?? {}) as Record<string, Record<string, unknown>>
const all = { sampling: { tools: {}, context: {} }, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }

/** Gives each connection a session of its own, and answers a call with what that session was told. */
function telling(revision = '2025-11-25', refuses: (declared: Record<string, Record<string, unknown>>) => boolean = () => false): Script {
  const sessions = new Map<string, unknown>()
  return (request) => {
    const { method } = request.body
    if (method === 'initialize') {
      const declared = declaredBy(request)
      if (refuses(declared)) return { error: { code: -32603, message: 'Unrecognized field' } }
      const id = `s${sessions.size + 1}`
      sessions.set(id, declared)
      const result = { protocolVersion: revision, capabilities: { tools: {} }, serverInfo: { name: 'tells', version: '1' } }
      return { headers: { 'mcp-session-id': id }, result }
    }
    if (method !== 'tools/call') return legacyServer(() => undefined)(request)
    const told = sessions.get(String(request.headers['mcp-session-id']))
    return { result: { content: [{ type: 'text', text: JSON.stringify(told) }] } }
  }
}

async function toldOver(script: Script, settings: Record<string, unknown> = {}) {
  const server = await scripted(script)
  onTestFinished(() => server.stop())
  const { upstream } = upstreamAt({ url: server.url, era: 'legacy', transport: 'streamable-http', ...settings })
  await upstream.ready(never)
  const told = async (capabilities: ClientCapabilities, affinity?: string): Promise<unknown> => {
    const owner = affinity === undefined ? {} : { affinity }
    return JSON.parse(textOf(await send(upstream, makeCall('tools/call', { name: 'told' }, { capabilities, ...owner }))))
  }
  return { server, upstream, told }
}

const forms: ClientCapabilities = { elicitation: { form: {} } }

describe('a session that is for one client', () => {
  test.each<[string, ClientCapabilities, unknown]>([
    ['nothing', {}, {}],
    ['forms', forms, { elicitation: { form: {} } }],
    ['forms, said in the old way', { elicitation: {} }, { elicitation: { form: {} } }],
    ['URLs alone', { elicitation: { url: {} } }, { elicitation: { url: {} } }],
    ['sampling', { sampling: {} }, { sampling: {} }],
    ['sampling with tools', { sampling: { tools: {} } }, { sampling: { tools: {} } }],
    ['roots', { roots: {} }, { roots: { listChanged: true } }],
    ['all', { ...asksAll, sampling: { tools: {}, context: {} } }, all],
  ])('tells the server what that client can be asked: %s', async (_what, capabilities, declared) => {
    const { told } = await toldOver(telling())
    expect(await told(capabilities, 's-1')).toEqual(declared)
  })

  test('tells so when a watch of the client opens it', async () => {
    const { upstream, told, server } = await toldOver(telling())
    const { principal } = makeCall('tools/call', { name: 'told' }).caller
    const watch = upstream.watch({ toolsListChanged: true }, () => undefined, { principal, affinity: 's-1', capabilities: forms })
    onTestFinished(async () => watch.close())
    await expect.poll(() => server.requests.filter(({ body }) => body.method === 'initialize').length).toBe(2)
    expect(await told(forms, 's-1')).toEqual({ elicitation: { form: {} } })
  })

  test('tells no more than the server takes, and of that no more than the client can', async () => {
    const strict = telling('2025-06-18', ({ sampling, elicitation }) => Object.keys({ ...sampling, ...elicitation }).length > 0)
    const { told } = await toldOver(strict)
    expect(await told({ elicitation: { form: {} }, sampling: { tools: {} } }, 's-1')).toEqual({ elicitation: {}, sampling: {} })
    // Read as forms, it would say more than the client can.
    expect(await told({ elicitation: { url: {} }, roots: {} }, 's-2')).toEqual({ roots: { listChanged: true } })
    expect(await told({}, 's-3')).toEqual({})
  })

  test('tells it anew after the server has lost the session', async () => {
    let lost = false
    const tells = telling()
    const { told } = await toldOver((request) => {
      if (!lost || request.body.method !== 'tools/call') return tells(request)
      lost = false
      return { status: 404 }
    })
    await told(forms, 's-1')
    lost = true
    expect(await told(forms, 's-1')).toEqual({ elicitation: { form: {} } })
  })
})

test('a server that has an answer for clients that cannot be asked gives it through the gateway, too, and asks the others', async () => {
  const server = await startSessionServer()
  onTestFinished(() => server.stop())
  const { upstream } = upstreamAt({ url: server.url })
  const choose = (options: CallOptions) => makeCall('tools/call', { name: 'choose' }, options)
  const call = choose({ affinity: 's-1', capabilities: forms })
  const asked = await send(upstream, call)
  expect(textOf(await send(upstream, answerAll(call, asked, { action: 'decline' })))).toBe('decline')
  const others: CallOptions[] = [
    { affinity: 's-2', capabilities: {} },
    { affinity: 's-3', capabilities: { sampling: {}, roots: {} } },
    { capabilities: { sampling: {} } },
  ]
  for (const other of others) expect(textOf(await send(upstream, choose(other)))).toBe('the default, since nobody can be asked')
})

describe('a session for callers without one', () => {
  test('is shared by those who can be asked the same, and tells that', async () => {
    const { told, server } = await toldOver(telling())
    for (let time = 0; time < 2; time += 1) {
      expect(await told(forms)).toEqual({ elicitation: { form: {} } })
      expect(await told({ sampling: {} })).toEqual({ sampling: {} })
    }
    expect(server.requests.filter(({ body }) => body.method === 'initialize')).toHaveLength(3)
  })

  test('is that of the lists for those who can be asked everything, or nothing: what is asked of these in vain, they are told', async () => {
    const { told, server } = await toldOver(telling())
    for (const capabilities of [asksAll, {}]) expect(await told(capabilities)).toEqual(all)
    expect(server.requests.filter(({ body }) => body.method === 'initialize')).toHaveLength(1)
  })
})

test('a server that one session serves for all is told all', async () => {
  const { told } = await toldOver(telling(), { sharing: 'shared' })
  expect(await told(forms, 's-1')).toEqual(all)
  expect(await told({}, 's-2')).toEqual(all)
})

describe('a process', () => {
  const child = {
    command: process.execPath,
    args: [
      '-e',
      `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
       const put=(o)=>console.log(JSON.stringify({jsonrpc:'2.0',...o})); const say=(o)=>put({id:m.id,...o});
       if(m.method==='initialize'){global.c=m.params.capabilities;
         say({result:{protocolVersion:'2025-11-25',capabilities:{tools:{}},serverInfo:{name:'child',version:'1'}}})}
       else if(m.method==='tools/call'&&m.params.name==='ask'){global.call=m.id;put({id:'q',method:'elicitation/create',params:{message:'?',requestedSchema:{type:'object',properties:{}}}})}
       else if(m.id==='q')put({id:global.call,result:{content:[{type:'text',text:String(m.error?.code)}]}})
       else if(m.method==='tools/call')say({result:{content:[{type:'text',text:JSON.stringify({told:global.c,pid:process.pid})}]}})
       else if(m.id!==undefined&&m.method!==undefined)say({error:{code:-32601,message:'no'}})})`,
    ],
  }
  const toldBy = async (settings: Record<string, unknown>) => {
    const made = upstreamAt({ ...child, era: 'legacy', ...settings })
    await made.upstream.ready(never)
    const call = (name: string, capabilities: ClientCapabilities, affinity: string) =>
      send(made.upstream, makeCall('tools/call', { name }, { capabilities, affinity })).then(textOf)
    const told = async (capabilities: ClientCapabilities, affinity: string) =>
      JSON.parse(await call('told', capabilities, affinity)) as { told: unknown; pid: number }
    return { ...made, call, told }
  }

  test('serves clients of all kinds, and is told all; the log names the setting for servers that ask in vain', async () => {
    const { told, call, report } = await toldBy({})
    const [one, two] = [await told(forms, 's-1'), await told({}, 's-2')]
    expect([one.told, two.told]).toEqual([all, all])
    expect(two.pid).toBe(one.pid)
    for (let time = 0; time < 2; time += 1) expect(await call('ask', {}, 's-2')).toBe('-32601')
    const lines = report.lines.filter(({ fields }) => fields.setting === 'servers.up.interactive: yes')
    expect(lines.map(({ fields }) => fields.lack)).toEqual(['elicitation'])
  })

  test('of a server that is configured as one that asks is told what its clients can be asked, and serves those', async () => {
    const { told, call, report } = await toldBy({ interactive: 'yes' })
    const [one, two, alike] = [await told(forms, 's-1'), await told({}, 's-2'), await told(forms, 's-3')]
    expect([one.told, two.told]).toEqual([{ elicitation: { form: {} } }, {}])
    expect(two.pid).not.toBe(one.pid)
    expect(alike.pid).toBe(one.pid)
    expect(await call('ask', {}, 's-2')).toBe('-32601')
    expect(report.lines.filter(({ fields }) => 'setting' in fields)).toEqual([])
  })
})
