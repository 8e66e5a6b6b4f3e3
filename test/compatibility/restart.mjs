// Ten idle clients of four SDKs, in sessions over HTTP, and the gateway restarted under them: each calls its tool again on what it has.
import { bothEras, sessions } from './peers.mjs'
import { freePort, start } from './process.mjs'
import { configure, startGateway } from './run.mjs'

/** Whose clients, and how many of each. */
const counts = { 'python-1': 3, 'python-2': 3, 'go-sdk': 2, 'java-1': 2 }

export const restarted = new Set(Object.keys(counts))

/** id → {title, clients, wentOn, detail}. */
export async function runRestart(chosen) {
  if (chosen.length === 0) return {}
  const port = await freePort()
  const servers = { one: sessions.server.start('stdio', 0), two: bothEras.server.start('stdio', 0) }
  const config = configure(servers, { listen: `127.0.0.1:${port}`, admin: { listen: '127.0.0.1:0' } })
  let gateway = await startGateway(config.path, { cwd: config.folder })
  const clients = chosen.flatMap((peer) => Array.from({ length: counts[peer.id] }, (_, index) => idle(peer, port, index)))
  try {
    await Promise.all(clients.map(({ waiting }) => waiting))
    await gateway.stop('SIGTERM')
    gateway = await startGateway(config.path, { cwd: config.folder })
    // As people do: one after the other, not all in one moment.
    for (const client of clients) client.goOn()
    const told = await Promise.all(clients.map(({ result }) => result))
    return Object.fromEntries(
      chosen.map(({ id, title }) => {
        const mine = told.filter((_, index) => clients[index].id === id)
        const failed = mine.find(({ result }) => result !== 'yes')
        return [
          id,
          {
            title,
            clients: mine.length,
            wentOn: mine.length - mine.filter(({ result }) => result !== 'yes').length,
            detail: failed?.detail,
          },
        ]
      }),
    )
  } finally {
    for (const { stop } of clients) await stop()
    await gateway.stop()
    config.remove()
  }
}

function idle(peer, port, index) {
  const url = `http://127.0.0.1:${port}/mcp/${index % 2 === 0 ? 'one' : 'two'}`
  const plan = { transport: 'http', mode: 'session', url, features: ['restart'], waitMs: 8_000, connectMs: 60_000 }
  const client = start(peer.client.start(plan))
  let waits
  let tells
  const waiting = new Promise((resolve) => {
    waits = resolve
  })
  const result = new Promise((resolve) => {
    tells = resolve
  })
  client.lines.on('line', (line) => {
    const told = line.startsWith('{') ? JSON.parse(line) : {}
    if (told.waiting === true) waits()
    if (told.feature === 'tools' || told.result === 'no') tells(told)
  })
  client.gone.then((code) => {
    waits()
    tells({ result: 'no', detail: `the client ended with ${code}` })
  })
  return { id: peer.id, waiting, result, goOn: () => client.write('\n'), stop: () => client.stop() }
}
