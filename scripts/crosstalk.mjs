// `npm run crosstalk`: 100 clients with equal JSON-RPC ids and tagged payloads over each transport, and 1,000 interleaved questions, each
// answered by its own caller. Counts what went to the wrong one. CROSSTALK_CALLS is the number of calls per transport (100,000).
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'

const root = new URL('..', import.meta.url).pathname
const calls = Number(process.env.CROSSTALK_CALLS ?? 100_000)
const questions = Number(process.env.CROSSTALK_QUESTIONS ?? 1_000)
const clients = 100
const folder = mkdtempSync(join(tmpdir(), 'signalbox-crosstalk-'))
const children = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', process.env.CROSSTALK_VERBOSE ? 'inherit' : 'ignore'], ...options })
  children.push(child)
  return child
}

function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(JSON.parse(text.split('\n')[0]))
    })
    child.on('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
}

const echo = { command: process.execPath, args: [join(root, 'bench', 'upstream-stdio.mjs')], era: 'legacy' }
const asking = {
  command: process.execPath,
  args: [join(root, 'test', 'peers', 'fixture', 'server.mjs'), '--stdio'],
  env: { FIXTURE_ERA: 'legacy' },
  era: 'legacy',
}
const config = join(folder, 'signalbox.yaml')
const http = await firstLine(start(process.execPath, [join(root, 'bench', 'upstream.mjs')]))
writeFileSync(
  config,
  JSON.stringify({
    listen: '127.0.0.1:0',
    stateDir: 'off',
    servers: {
      pipe: echo,
      web: { url: `http://127.0.0.1:${http.port}/mcp`, era: 'legacy' },
      new: { url: `http://127.0.0.1:${http.port}/mcp`, era: 'modern' },
      asking,
    },
    log: { calls: false, level: 'error' },
    limits: { queue: 2_000 },
  }),
)
const gateway = await firstLine(start(process.execPath, [join(root, 'dist', 'main.js'), 'up', '--config', config]))
const base = `http://127.0.0.1:${gateway.port}`
for (let i = 0; i < 200; i += 1) {
  const ready = await (await fetch(`${gateway.admin}/admin/v1/upstreams`)).json()
  if (ready.upstreams.every((upstream) => upstream.state === 'ready')) break
  await new Promise((resolve) => setTimeout(resolve, 50))
}
const pool = new Pool(base, { connections: 128 })
const accept = 'application/json, text/event-stream'
const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }

async function post(path, message, headers = {}) {
  const {
    statusCode,
    headers: got,
    body,
  } = await pool.request({
    path,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: JSON.stringify(message),
  })
  const text = await body.text()
  if (statusCode >= 300) throw new Error(`HTTP ${statusCode}: ${text}`)
  return { text, headers: got }
}

async function session(path, capabilities = {}) {
  const { headers } = await post(path, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'crosstalk', version: '1' } },
  })
  const own = { 'mcp-session-id': headers['mcp-session-id'], 'mcp-protocol-version': '2025-11-25' }
  await post(path, { jsonrpc: '2.0', method: 'notifications/initialized' }, own)
  return own
}

const call = (id, name, args, extra = {}) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...extra } })
const messageOf = (text) =>
  JSON.parse(
    text.startsWith('{')
      ? text
      : text
          .split('\n')
          .filter((line) => line.startsWith('data: {'))
          .at(-1)
          .slice(6),
  )

/** Each maker gives a function (id, tag) -> text of the answer. */
const transports = {
  'stateless HTTP -> stdio': async () => (id, tag) =>
    post('/mcp', call(id, 'pipe__echo', { text: tag }, { _meta: meta }), {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'pipe__echo',
    }).then((r) => r.text),
  'stateless HTTP -> HTTP': async () => (id, tag) =>
    post('/mcp', call(id, 'new__echo', { text: tag }, { _meta: meta }), {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'new__echo',
    }).then((r) => r.text),
  'sessions -> stdio': async () => {
    const own = await session('/mcp')
    return (id, tag) => post('/mcp', call(id, 'pipe__echo', { text: tag }), own).then((r) => r.text)
  },
  'sessions -> HTTP sessions': async () => {
    const own = await session('/mcp')
    return (id, tag) => post('/mcp', call(id, 'web__echo', { text: tag }), own).then((r) => r.text)
  },
  'HTTP+SSE -> stdio': async () => {
    const { body } = await pool.request({ path: '/sse', method: 'GET', headers: { accept: 'text/event-stream' } }).catch((error) => {
      throw error
    })
    const waiting = new Map()
    let endpoint
    const opened = new Promise((resolve) => {
      endpoint = resolve
    })
    let rest = ''
    body.on('error', () => undefined)
    body.on('data', (chunk) => {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop()
      for (const event of events) {
        const data = event
          .split('\n')
          .filter((line) => line.startsWith('data: '))
          .map((line) => line.slice(6))
          .join('\n')
        if (event.startsWith('event: endpoint')) endpoint(data)
        else if (data.startsWith('{')) {
          const { id } = JSON.parse(data)
          waiting.get(id)?.(data)
          waiting.delete(id)
        }
      }
    })
    const path = new URL(await opened, base)
    const send = (message) => post(path.pathname + path.search, message)
    const ask = (message) =>
      new Promise((resolve, reject) => {
        waiting.set(message.id, resolve)
        send(message).catch(reject)
      })
    await ask({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'crosstalk', version: '1' } },
    })
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    return (id, tag) => ask(call(id, 'pipe__echo', { text: tag }))
  },
  'stdio -> stdio': async () => {
    const child = start(process.execPath, [join(root, 'dist', 'main.js'), 'stdio', '--config', config])
    const waiting = new Map()
    let rest = ''
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      for (const line of lines) {
        const { id } = JSON.parse(line)
        waiting.get(id)?.(line)
        waiting.delete(id)
      }
    })
    const ask = (message) =>
      new Promise((resolve) => {
        waiting.set(message.id, resolve)
        child.stdin.write(`${JSON.stringify(message)}\n`)
      })
    await ask({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'crosstalk', version: '1' } },
    })
    child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    return (id, tag) => ask(call(id, 'pipe__echo', { text: tag }))
  },
}

let crossed = 0
for (const [name, make] of Object.entries(transports)) {
  const many = name.startsWith('stdio') ? 4 : clients
  const speakers = await Promise.all(Array.from({ length: many }, make))
  const each = Math.ceil(calls / many)
  let wrong = 0
  const from = performance.now()
  await Promise.all(
    speakers.map(async (speak, who) => {
      for (let id = 1; id <= each; id += 1) {
        const tag = `client-${who}-call-${id}`
        const answer = messageOf(await speak(id, tag))
        if (answer.id !== id || answer.result?.content?.[0]?.text !== tag) wrong += 1
      }
    }),
  )
  crossed += wrong
  console.log(
    `${name}: ${each * many} calls of ${many} clients with equal ids, ${wrong} crossed (${((performance.now() - from) / 1_000).toFixed(1)} s)`,
  )
}

/** A session client whose every question is answered with its own name. */
async function questioner(who) {
  const own = await session('/mcp', { elicitation: { form: {} } })
  return async (id) => {
    const { statusCode, body } = await pool.request({
      path: '/mcp',
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, ...own },
      body: JSON.stringify(call(id, 'asking__test_elicitation', { message: `for ${who} ${id}` })),
    })
    if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`)
    let rest = ''
    for await (const chunk of body) {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop()
      for (const event of events) {
        const data = event
          .split('\n')
          .filter((line) => line.startsWith('data: '))
          .map((line) => line.slice(6))
          .join('')
        if (data === '') continue
        const message = JSON.parse(data)
        if (message.method === 'elicitation/create') {
          if (message.params.message !== `for ${who} ${id}`) return false
          await post(
            '/mcp',
            { jsonrpc: '2.0', id: message.id, result: { action: 'accept', content: { response: `answer of ${who} to ${id}` } } },
            own,
          )
        } else if (message.id === id) return JSON.stringify(message).includes(`answer of ${who} to ${id}`)
      }
    }
    return false
  }
}

const askers = await Promise.all(Array.from({ length: 20 }, (_, who) => questioner(who)))
// `interactive: auto` learns at the first question that the server asks; several at that moment are refused, as nothing tells them apart.
let wrong = (await askers[0](0)) ? 0 : 1
await Promise.all(
  askers.map(async (ask) => {
    for (let id = 1; id <= questions / askers.length; id += 1) if (!(await ask(id))) wrong += 1
  }),
)
crossed += wrong
console.log(`questions on one shared process: ${questions} of ${askers.length} clients, ${wrong} crossed`)
console.log(crossed === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed')
process.exit(crossed === 0 ? 0 : 1)
