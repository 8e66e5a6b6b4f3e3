// A good stdio MCP server that counts what it did as lines in the file `SERVER_EFFECTS`; what goes wrong is done by the shim round it.
// Modern and legacy (`SERVER_ERA`).
import { appendFileSync } from 'node:fs'

const era = process.env.SERVER_ERA ?? 'legacy'
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const done = (tag) => ({ ...(era === 'modern' ? { resultType: 'complete' } : {}), content: [{ type: 'text', text: tag }] })
const progress = (token, value) => say({ method: 'notifications/progress', params: { progressToken: token, progress: value } })
const held = []

/** Two calls on one stream: their progress interleaves, and the later one is answered first. */
function pair(id, tag, params) {
  held.push({ id, tag, token: params._meta?.progressToken })
  if (held.length < 2) return
  for (const value of [1, 2, 3]) for (const { token } of held) progress(token, value)
  for (const each of held.splice(0).reverse()) say({ id: each.id, result: done(each.tag) })
}

const annotations = { readOnlyHint: true }
const inputSchema = { type: 'object', properties: { act: { type: 'string' }, tag: { type: 'string' } } }
const tools = [
  { name: 'act', inputSchema },
  { name: 'look', inputSchema, annotations },
]

function hear({ id, method, params }) {
  if (id === undefined) return
  if (method === 'tools/call') {
    const { act, tag = '' } = params.arguments ?? {}
    if (process.env.SERVER_EFFECTS !== undefined) appendFileSync(process.env.SERVER_EFFECTS, `${tag}\n`)
    if (act === 'pair') pair(id, tag, params)
    else say({ id, result: done(tag) })
  } else if (method === 'tools/list')
    say({ id, result: { ...(era === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {}), tools } })
  else if (method === 'ping') say({ id, result: {} })
  else if (method === 'initialize' && era === 'legacy')
    say({
      id,
      result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'server', version: '1' } },
    })
  else if (method === 'server/discover' && era === 'modern')
    say({
      id,
      result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    })
  else say({ id, error: { code: -32601, message: 'Method not found' } })
}

let rest = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop()
  for (const each of lines) hear(JSON.parse(each))
})
