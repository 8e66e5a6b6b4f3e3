// Two gateways in one process, by two configurations, or of two builds: what they cost can be compared more closely than that of two
// processes, of which two of one build differ by a tenth. `node bench/two-gateways.mjs DIST FILE DIST FILE`; says where they listen in one
// line of JSON.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const gateways = []
const args = process.argv.slice(2)
for (let at = 0; at < args.length; at += 2) {
  const [dist, config] = [args[at], args[at + 1]]
  const part = (name) => import(pathToFileURL(join(dist, name)).href)
  const { tuneEngine } = await part('platform/engine/options.js')
  const { load } = await part('operate/configuration/load.js')
  const { withState } = await part('operate/configuration/state.js')
  const { startLoaded } = await part('operate/gateway.js')
  tuneEngine()
  const found = await load({ config, env: process.env, cwd: process.cwd() })
  if (!found.ok) throw new Error(JSON.stringify(found.problems))
  const gateway = await startLoaded(withState(found.loaded).loaded)
  gateways.push({ port: gateway.address.port, admin: `http://127.0.0.1:${gateway.adminAddress.port}` })
}
process.stdout.write(`${JSON.stringify({ gateways })}\n`)
