// How long one judgement of a changed tool takes: real tools of the servers among the development dependencies, each against itself as a
// server would change it. Measures only: `npm run build && node bench/contracts.mjs`. `ROUNDS` (default 20): how often each is judged.
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { judge } from '../dist/gateway/contracts/index.js'
import { readContracts } from '../dist/operate/contracts/read-contracts.js'

const require = createRequire(import.meta.url)
const bin = (name) => join(dirname(require.resolve(`@modelcontextprotocol/${name}/package.json`)), 'dist', 'index.js')
const servers = {
  everything: [bin('server-everything'), 'stdio'],
  filesystem: [bin('server-filesystem'), tmpdir()],
  memory: [bin('server-memory')],
}

/** The tools of a server over stdio. */
async function toolsOf(args) {
  const source = { kind: 'program', command: process.execPath, args, label: args[0] }
  const options = { headers: {}, token: undefined, env: {}, allowScripts: false, signal: AbortSignal.timeout(60_000) }
  const { servers: read } = await readContracts(source, { ...options, configuration: async () => undefined })
  const [{ tools, unreachable }] = read.values()
  if (unreachable !== undefined) throw new Error(`${source.label}: ${unreachable}`)
  return [...tools.values()]
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
/** Of each pair, in ms: by the clock, which counts what else the machine does, and by the processor time of this process. */
const byClock = pairs.map(() => [])
const byProcessor = pairs.map(() => [])
const verdicts = {}
let refused = 0
let unexplained = 0
for (let round = 0; round < rounds; round += 1) {
  for (const [index, [, old, now]] of pairs.entries()) {
    const cpu = process.cpuUsage()
    const began = process.hrtime.bigint()
    const judged = judge(old, now)
    const took = Number(process.hrtime.bigint() - began) / 1e6
    const { user, system } = process.cpuUsage(cpu)
    // The first rounds are what the engine compiles in.
    if (round >= 2) {
      byClock[index].push(took)
      byProcessor[index].push((user + system) / 1e3)
    }
    if (round > 0) continue
    verdicts[judged.verdict] = (verdicts[judged.verdict] ?? 0) + 1
    if (!['unknown', 'ignored', 'breaking'].includes(judged.verdict)) continue
    refused += 1
    if (judged.example === undefined && !judged.changes.some((change) => change.example !== undefined)) unexplained += 1
  }
}
const at = (list, share) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))]
const line = (name, lists) => {
  const all = lists.flat()
  const medians = lists.map((list) => at(list, 0.5))
  const figures = [at(all, 0.5), at(all, 0.99), at(medians, 0.99), at(all, 1)].map((ms) => ms.toFixed(2))
  console.log(
    `${name.padEnd(28)} p50 ${figures[0]}  p99 ${figures[1]}  p99 of each pair's median ${figures[2]}  max ${figures[3]} ms  (${all.length})`,
  )
}
for (const kind of new Set(pairs.map(([name]) => name))) {
  line(
    kind,
    byClock.filter((_, index) => pairs[index][0] === kind),
  )
}
line('all', byClock)
line('all, processor time', byProcessor)
console.log(
  `${tools.length} tools, ${pairs.length} pairs: ${JSON.stringify(verdicts)}; ${unexplained} of ${refused} that break without an example`,
)
