// A stdio MCP server that misbehaves on command: `SHIM_START` says how it starts, the tool `act` how it answers. It counts what it did as
// lines in the file `SHIM_EFFECTS`. Modern and legacy (`SHIM_ERA`).
import { appendFileSync, readFileSync } from 'node:fs'

const era = process.env.SHIM_ERA ?? 'legacy'
const start = process.env.SHIM_START ?? ''
const out = (text, then) => process.stdout.write(text, then)
const say = (message) => out(line(message))
const line = (message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`
const done = (tag) => ({ ...(era === 'modern' ? { resultType: 'complete' } : {}), content: [{ type: 'text', text: tag }] })
const progress = (token, value) => say({ method: 'notifications/progress', params: { progressToken: token, progress: value } })
const held = []

/** What `act` does by the name of the act; each gets the id, the tag and the params of its call. */
const acts = {
  echo: (id, tag) => say({ id, result: done(tag) }),
  exit: () => process.exit(9),
  crash: () => process.kill(process.pid, 'SIGKILL'),
  hang: () => process.kill(process.pid, 'SIGSTOP'),
  silence: () => undefined,
  noise: (id, tag) => out(`starting up {not json}\nDEBUG 12:00 "half a string\n\n${line({ id, result: done(tag) })}bye\n`),
  glue: (id, tag) => out(`log without an end${line({ id, result: done(tag) })}`),
  broken: (id, tag) => out(`${line({ id, result: done(tag) }).slice(0, -4)}\n`),
  partial: (id, tag) => out(line({ id, result: done(tag) }).slice(0, 30), () => process.exit(0)),
  oversize: () => oversize(64 * 1024 * 1024),
  flood: (id, tag) => process.stderr.write(Buffer.alloc(4 * 1024 * 1024, 0x2e), () => say({ id, result: done(tag) })),
  secret: () => process.stderr.write(`cannot reach the database with ${process.env.SHIM_SECRET}\n`, () => process.exit(4)),
  wrongId: (_id, tag) => say({ id: 987_654, result: done(tag) }),
  textId: (id, tag) => say({ id: String(id), result: done(tag) }),
  twice: (id, tag) => out(line({ id, result: done(tag) }).repeat(2)),
  badUtf8: (id, tag) =>
    out(
      Buffer.concat([
        Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(`${tag}"}]}}\n`),
      ]),
    ),
  deep: (id) => out(`{"jsonrpc":"2.0","id":${id},"result":{"content":[],"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}\n`),
  environment: (id) => say({ id, result: done(JSON.stringify(process.env)) }),
  pair: (id, tag, params) => pair(id, tag, params),
}

/** Two calls on one stream: their progress interleaves, and the later one is answered first. */
function pair(id, tag, params) {
  held.push({ id, tag, token: params._meta?.progressToken })
  if (held.length < 2) return
  for (const value of [1, 2, 3]) for (const { token } of held) progress(token, value)
  for (const each of held.splice(0).reverse()) say({ id: each.id, result: done(each.tag) })
}

async function oversize(bytes) {
  const block = Buffer.alloc(1024 * 1024, 0x61)
  for (let sent = 0; sent < bytes; sent += block.length) {
    if (!process.stdout.write(block)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}

const annotations = { readOnlyHint: true }
const properties = { act: { type: 'string' }, tag: { type: 'string' } }
const tools = [
  { name: 'act', inputSchema: { type: 'object', properties } },
  { name: 'look', inputSchema: { type: 'object', properties }, annotations },
]

function hear({ id, method, params }) {
  if (id === undefined) return
  if (method === 'tools/call') {
    const { act = 'echo', tag = '', once } = params.arguments ?? {}
    if (process.env.SHIM_EFFECTS !== undefined) appendFileSync(process.env.SHIM_EFFECTS, `${tag}\n`)
    acts[once === true && seenBefore(tag) ? 'echo' : act](id, tag, params)
  } else if (method === 'tools/list')
    say({ id, result: { ...(era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}), tools } })
  else if (method === 'ping') say({ id, result: {} })
  else if (method === 'initialize' && era === 'legacy') greet(id, params)
  else if (method === 'server/discover' && era === 'modern') discover(id)
  else if (!(method === 'server/discover' && start === 'mute-probe')) say({ id, error: { code: -32601, message: 'Method not found' } })
}

/** True from the second call with the tag on, whichever process it reaches. */
function seenBefore(tag) {
  return (
    readFileSync(process.env.SHIM_EFFECTS, 'utf8')
      .split('\n')
      .filter((each) => each === tag).length > 1
  )
}

function greet(id, params) {
  say({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'shim', version: '1' } } })
}

function discover(id) {
  say({
    id,
    result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
  })
}

function serve() {
  let rest = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const each of lines) hear(JSON.parse(each))
  })
  process.stdin.on('end', () => process.exit(0))
}

if (start === 'exit') {
  process.stderr.write('DATABASE_URL is not set\n', () => process.exit(3))
} else if (start === 'hang') {
  setInterval(() => undefined, 1_000)
} else if (start.startsWith('slow:')) {
  setTimeout(serve, Number(start.slice(5)))
} else {
  if (start === 'noise') out('Welcome to shim 1.0!\n\u001b[32mready\u001b[0m\n{"level":30,"msg":"listening"}\n')
  serve()
}
