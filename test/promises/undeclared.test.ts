// What servers do without having announced it works through the gateway as it does directly.
import { afterEach, expect, test } from 'vitest'
import { connect, type TestClient } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, openSession } from '../peers/raw.ts'

/** Announces resources without `subscribe`, and takes subscriptions of `note:open` alone; a call tells of an update. */
const server = `
  const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
  const watched = new Set()
  let rest = ''
  process.stdin.on('end', () => process.exit(0))
  process.stdin.on('data', (chunk) => {
    const lines = (rest + chunk).split('\\n'); rest = lines.pop()
    for (const line of lines) {
      const { id, method, params } = JSON.parse(line)
      const answer = (result) => say({ id, result })
      if (method === 'initialize') answer({ protocolVersion: params.protocolVersion, capabilities: { resources: {}, tools: {} }, serverInfo: { name: 'undeclared', version: '1' } })
      else if (method === 'tools/list') answer({ tools: [{ name: 'touch', inputSchema: { type: 'object' } }] })
      else if (method === 'resources/list') answer({ resources: [{ name: 'open', uri: 'note:open' }, { name: 'closed', uri: 'note:closed' }, { name: 'busy', uri: 'note:busy' }] })
      else if (method === 'resources/subscribe' && params.uri === 'note:open') { watched.add(params.uri); answer({}) }
      else if (method === 'resources/subscribe' && params.uri === 'note:busy') say({ id, error: { code: -32042, message: 'Too many watch it', data: { most: 7 } } })
      else if (method === 'tools/call') {
        for (const uri of watched) say({ method: 'notifications/resources/updated', params: { uri } })
        answer({ content: [] })
      } else if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
    }
  })`

let gateway: UnderTest | undefined
let client: TestClient | undefined
afterEach(async () => {
  await client?.close()
  await gateway?.stop()
})

test('subscriptions that a server takes and never announced', async () => {
  gateway = await startUnderTest({ servers: { up: { command: process.execPath, args: ['-e', server], era: 'legacy' } } })
  client = await connect('v1 http', { base: gateway.base })
  await client.subscribe('note:open')
  const told = async (): Promise<boolean> => {
    await client?.call('up__touch')
    return client?.updated.includes('note:open') === true
  }
  expect(await eventually(told)).toBe(true)
})

test('subscriptions that a server refuses are refused in its own words', async () => {
  gateway = await startUnderTest({ servers: { up: { command: process.execPath, args: ['-e', server], era: 'legacy' } } })
  const session = await openSession(gateway.base)
  const ask = async (uri: string): Promise<unknown> => (await legacy(gateway?.base ?? '', session, 'resources/subscribe', { uri })).message
  for (const _time of ['once', 'again']) {
    expect(await ask('note:closed')).toMatchObject({ error: { code: -32601, message: 'Method not found' } })
    expect(await ask('note:busy')).toMatchObject({ error: { code: -32042, message: 'Too many watch it', data: { most: 7 } } })
    expect(await ask('note:open')).toMatchObject({ result: {} })
  }
})

/** Declares prompts alone; a prompt that is got brings a tool, `announced` or not. */
const growing = `
  const say = (m) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...m }) + '\\n')
  const tools = []
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    const answer = (result) => say({ id, result })
    if (method === 'initialize') answer({ protocolVersion: params.protocolVersion, capabilities: { prompts: {} }, serverInfo: { name: 'growing', version: '1' } })
    else if (method === 'prompts/list') answer({ prompts: [{ name: 'announced' }, { name: 'silent' }] })
    else if (method === 'prompts/get') {
      tools.push({ name: 'of-' + params.name, inputSchema: { type: 'object' } })
      if (params.name === 'announced') say({ method: 'notifications/tools/list_changed' })
      answer({ messages: [] })
    } else if (method === 'tools/list' && tools.length > 0) answer({ tools })
    else if (method === 'tools/call') answer({ content: [{ type: 'text', text: 'called ' + params.name }] })
    else if (id !== undefined) say({ id, error: { code: -32601, message: 'Method not found' } })
  })`

test('tools that a server comes to have and never declared: announced, or found by their first call', async () => {
  gateway = await startUnderTest({ servers: { up: { command: process.execPath, args: ['-e', growing], era: 'legacy' } } })
  const session = await openSession(gateway.base)
  const ask = async (method: string, params: Record<string, unknown> = {}) =>
    (await legacy(gateway?.base ?? '', session, method, params)).message
  expect(await ask('tools/list')).toMatchObject({ result: { tools: [] } })
  await ask('prompts/get', { name: 'up__silent' })
  expect(await ask('tools/call', { name: 'up__of-silent' })).toMatchObject({ result: { content: [{ text: 'called of-silent' }] } })
  await ask('prompts/get', { name: 'up__announced' })
  const listed = async (): Promise<boolean> => JSON.stringify(await ask('tools/list')).includes('up__of-announced')
  expect(await eventually(listed)).toBe(true)
})
