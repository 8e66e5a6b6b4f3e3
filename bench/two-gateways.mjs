// Two gateways in one process, by two configurations: what they cost can be compared to a part of a per cent, where two processes of one
// build differ by a tenth. `node bench/two-gateways.mjs FILE FILE`; says where they listen in one line of JSON.
import { load } from '../dist/operate/configuration/load.js'
import { withState } from '../dist/operate/configuration/state.js'
import { startLoaded } from '../dist/operate/gateway.js'
import { inlineMore } from '../dist/platform/engine/inlining.js'

inlineMore()
const gateways = []
for (const config of process.argv.slice(2)) {
  const found = await load({ config, env: process.env, cwd: process.cwd() })
  if (!found.ok) throw new Error(JSON.stringify(found.problems))
  const gateway = await startLoaded(withState(found.loaded).loaded)
  gateways.push({ port: gateway.address.port, admin: `http://127.0.0.1:${gateway.adminAddress.port}` })
}
process.stdout.write(`${JSON.stringify({ gateways })}\n`)
