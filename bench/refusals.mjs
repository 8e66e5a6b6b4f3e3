// `node bench/refusals.mjs`: how long a refusal takes, by the clock of the agent. One agent repeats one call; after its limit every answer is a
// refusal. Prints quantiles of the time to the answer, resident memory before and after, and what the server saw.
// BENCH_CALLS how many (20,000).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinLoad, rssMb, start, untilReady } from './processes.mjs'
import { callTool } from './rpc.mjs'

const count = Number(process.env.BENCH_CALLS ?? 20_000)
pinLoad()
const folder = mkdtempSync(join(tmpdir(), 'signalbox-refusals-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const upstream = await start(0, [join(import.meta.dirname, 'upstream.mjs')])
const config = join(folder, 'signalbox.json')
writeFileSync(
  config,
  JSON.stringify({
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    stateDir: folder,
    loops: { identical: '10/1h' },
    servers: { up: { url: `http://127.0.0.1:${upstream.port}/mcp`, era: 'modern' } },
  }),
)
const gateway = await start(1, [join(import.meta.dirname, '..', 'dist', 'main.js'), 'up', '--config', config])
await untilReady(gateway.admin)
const call = async () => {
  const began = performance.now()
  const result = await callTool(`http://127.0.0.1:${gateway.port}/mcp`, 'up__echo', { text: 'again' })
  return { ms: performance.now() - began, refused: result._meta?.['signalbox.dev/fault']?.kind === 'loop_detected' }
}
let passed = 0
const times = []
let before
for (let n = 0; n < count; n += 1) {
  // After the code has warmed.
  if (n === count / 2) before = rssMb(gateway.pid)
  const { ms, refused } = await call()
  if (refused) times.push(ms)
  else passed += 1
}
times.sort((a, b) => a - b)
const at = (share) => times[Math.floor(times.length * share)].toFixed(2)
console.log(
  `${passed} calls passed, ${times.length} were refused: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, longest ${at(0.999999)} ms`,
)
console.log(`resident: ${before.toFixed(0)} MB after half of them, ${rssMb(gateway.pid).toFixed(0)} MB after all`)
process.exit(0)
