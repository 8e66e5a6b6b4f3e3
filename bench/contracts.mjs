// How long one judgement of a changed tool takes: real tools of the servers among the development dependencies, each against itself as a
// server would change it. Measures only: `npm run build && node bench/contracts.mjs`. `ROUNDS` (default 20): how often each is judged.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { judge } from '../dist/gateway/contracts/index.js'

const require = createRequire(import.meta.url)
const bin = (name) => join(dirname(require.resolve(`@modelcontextprotocol/${name}/package.json`)), 'dist', 'index.js')
const servers = {
  everything: [bin('server-everything'), 'stdio'],
  filesystem: [bin('server-filesystem'), tmpdir()],
  memory: [bin('server-memory')],
}

/** The tools of a server over stdio. */
async function toolsOf(args) {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const answer = async (id) => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('the server ended')
      const message = JSON.parse(value)
      if (message.id === id && 'result' in message) return message.result
    }
  }
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
  })
  await answer(1)
  send({ method: 'notifications/initialized' })
  send({ id: 2, method: 'tools/list', params: {} })
  const { tools } = await answer(2)
  child.kill()
  return tools
}

/** A tool as servers change theirs, one way each. */
const changes = {
  'a text': (tool) => ({ ...tool, description: `${tool.description ?? ''} Now better.` }),
  'a field added': (tool) => withInput(tool, (input) => ({ ...input, properties: { ...input.properties, dryRun: { type: 'boolean' } } })),
  'a field required': (tool) =>
    withInput(tool, (input) => ({ ...input, required: [...new Set([...(input.required ?? []), ...Object.keys(input.properties ?? {})])] })),
  'a field renamed': (tool) =>
    withInput(tool, (input) => {
      const [[first, schema] = [], ...rest] = Object.entries(input.properties ?? {})
      if (first === undefined) return input
      const name = `${first}_name`
      const required = (input.required ?? []).map((one) => (one === first ? name : one))
      return { ...input, properties: { [name]: schema, ...Object.fromEntries(rest) }, required }
    }),
  'types changed': (tool) =>
    withInput(tool, (input) => ({
      ...input,
      properties: Object.fromEntries(
        Object.entries(input.properties ?? {}).map(([name, one]) => [name, one.type === 'string' ? { type: 'array', items: one } : one]),
      ),
    })),
  'a field gone': (tool) =>
    withInput(tool, (input) => {
      const [first] = Object.keys(input.properties ?? {})
      const { [first]: _, ...properties } = input.properties ?? {}
      return { ...input, properties, required: (input.required ?? []).filter((one) => one !== first) }
    }),
}

function withInput(tool, change) {
  return { ...tool, inputSchema: change(tool.inputSchema) }
}

const tools = (await Promise.all(Object.values(servers).map(toolsOf))).flat()
const pairs = tools.flatMap((tool, index) => [
  ...Object.entries(changes).map(([name, change]) => [name, tool, change(tool)]),
  ['another tool', tool, { ...tools[(index + 1) % tools.length], name: tool.name }],
])
const rounds = Number(process.env.ROUNDS ?? 20)
const times = new Map()
const verdicts = {}
let refused = 0
let unexplained = 0
for (let round = 0; round < rounds; round += 1) {
  for (const [name, old, now] of pairs) {
    const began = process.hrtime.bigint()
    const judged = judge(old, now)
    const took = Number(process.hrtime.bigint() - began) / 1e6
    // The first rounds are what the engine compiles in.
    if (round >= 2) for (const key of [name, 'all']) times.set(key, [...(times.get(key) ?? []), took])
    if (round > 0) continue
    verdicts[judged.verdict] = (verdicts[judged.verdict] ?? 0) + 1
    if (!['unknown', 'ignored', 'breaking'].includes(judged.verdict)) continue
    refused += 1
    if (judged.example === undefined && !judged.changes.some((change) => change.example !== undefined)) unexplained += 1
  }
}
const at = (list, share) => list[Math.min(list.length - 1, Math.floor(list.length * share))].toFixed(2)
for (const [name, list] of times) {
  list.sort((a, b) => a - b)
  console.log(`${name.padEnd(18)} p50 ${at(list, 0.5)} ms  p99 ${at(list, 0.99)} ms  max ${at(list, 1)} ms  (${list.length})`)
}
console.log(
  `${tools.length} tools, ${pairs.length} pairs: ${JSON.stringify(verdicts)}; ${unexplained} of ${refused} that break without an example`,
)
