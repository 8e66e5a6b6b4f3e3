// Runs one row of the compatibility table: a client in front of a server, once directly and once with the gateway between them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './peers.mjs'
import { freePort, listening, start } from './process.mjs'

export const main = process.env.SIGNALBOX_MAIN ?? join(root, 'dist', 'main.js')

/** A configuration file in a folder of its own. */
export function configure(servers, more = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-compatibility-'))
  const path = join(folder, 'signalbox.yaml')
  writeFileSync(path, JSON.stringify({ listen: '127.0.0.1:0', log: { calls: false }, servers, ...more }))
  return { path, folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Starts the gateway; resolves once it has tried its servers. */
export async function startGateway(config, { cwd } = {}) {
  const gateway = start({ command: process.execPath, args: [main, 'up', '--config', config] }, { ours: true, cwd })
  const line = await Promise.race([
    new Promise((resolve) => gateway.lines.once('line', resolve)),
    gateway.gone.then((code) => Promise.reject(new Error(`the gateway ended with ${code}: ${gateway.errors().slice(-500)}`))),
  ])
  const { port, admin } = JSON.parse(line)
  for (const limit = performance.now() + 20_000; performance.now() < limit; ) {
    const { upstreams } = await fetch(`${admin}/admin/v1/upstreams`).then((answer) => answer.json())
    if (upstreams.every(({ state }) => state !== 'connecting')) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { ...gateway, port, admin }
}

const paths = { http: '/mcp', sse: '/sse' }

/** What a client is told to connect to, and what has to be stopped afterwards. */
async function place({ server, transport, bridge }, gateway) {
  const stops = []
  const port = transport === 'stdio' ? 0 : await freePort()
  let upstream = server.server.start(transport, port)
  if (bridge?.start !== undefined) upstream = bridge.start(server.server.start('stdio', 0), transport, port)
  if (transport !== 'stdio') {
    const program = start(upstream)
    stops.push(() => program.stop())
    await listening(port, program)
  }
  const url = `http://127.0.0.1:${port}${paths[transport]}`
  if (!gateway) return { where: transport === 'stdio' ? upstream : { url }, stops }
  const config = configure({ fixture: transport === 'stdio' ? upstream : { url } })
  stops.push(config.remove)
  if (transport === 'stdio')
    return { where: { command: process.execPath, args: [main, 'stdio', '--config', config.path, '--mount', 'fixture'] }, stops }
  const running = await startGateway(config.path)
  stops.unshift(() => running.stop())
  return { where: { url: `http://127.0.0.1:${running.port}${paths[transport]}/fixture` }, stops }
}

/** feature → {result, detail} of one run. */
export async function runOnce(row, gateway, wanted, waitMs) {
  const found = {}
  let stops = []
  try {
    const placed = await place(row, gateway)
    stops = placed.stops
    const asked = wanted.filter((feature) => feature !== 'connect')
    const plan = { transport: row.transport, mode: row.era, features: asked, waitMs, connectMs: 60_000, ...placed.where }
    const client = start(row.client.client.start(row.bridge?.through?.(plan) ?? plan))
    stops.unshift(() => client.stop())
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 65_000 + asked.length * waitMs * 2.5)
      const done = () => {
        clearTimeout(timer)
        resolve()
      }
      client.lines.on('line', (line) => {
        const told = parse(line)
        if (told?.feature !== undefined) found[told.feature] = settle(told)
        if (told?.done === true) done()
      })
      client.gone.then((code) => {
        found.connect ??= { result: 'no', detail: `the client ended with ${code}: ${client.errors().slice(-300)}` }
        // What it wrote last may still be on its way.
        setImmediate(done)
      })
    })
  } catch (error) {
    found.connect ??= { result: 'no', detail: String(error.message ?? error) }
  } finally {
    for (const stop of stops) await stop()
  }
  for (const feature of wanted) found[feature] ??= { result: 'no', detail: found.connect?.result === 'no' ? 'no connection' : 'not told' }
  return found
}

function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** What one side does not have at all is no failure. */
function settle({ result, detail }) {
  const lacks =
    result === 'no' &&
    /method not found|-32601|not offered here|not supported by the negotiated protocol|does not support|did not declare|not support(ed)? (ping|completion|logging)/i.test(
      detail,
    )
  return { result: lacks ? 'none' : result, detail: neutral(detail) }
}

/** Without ports, ids and folders, which change with every run. */
function neutral(detail) {
  return detail
    .replaceAll(/127\.0\.0\.1:\d+|localhost:\d+/g, 'HOST')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{16,}\b|\bc_[\w-]+/gi, 'ID')
    .replaceAll(/(\/[\w.@-]+){3,}/g, 'PATH')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 200)
}
