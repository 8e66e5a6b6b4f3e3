// Which client stands in front of which server, over which transport. Every SDK is tried with servers and clients of the TypeScript SDKs on
// the other side, and with itself where it speaks both eras; bridges stand between two programs of the TypeScript SDK 1.
import { bothEras, mcpRemote, peers, sessions, supergateway } from './peers.mjs'

const transports = ['http', 'sse', 'stdio']

/** A row: {id, role, client, server, transport, era}. `era` is how the client connects: `session`, or `auto` (stateless where it can). */
function row(role, client, server, transport, era, rest = {}) {
  const id = [role, client.id, server.id, transport, era].join(' ')
  return { id, role, client, server, transport, era, ...rest }
}

function bridged(bridge, transport) {
  return { ...row('bridge', sessions, sessions, transport, 'session'), id: `bridge ${bridge.id} ${transport}`, bridge }
}

function speaks(client, server, transport) {
  return client.client.transports.includes(transport) && server.server.transports.includes(transport)
}

/** Every row of the whole form. */
export function allRows() {
  const rows = []
  for (const transport of transports) {
    const add = (role, client, server, era, rest) => {
      // HTTP+SSE is older than the stateless revision.
      if (speaks(client, server, transport) && !(transport === 'sse' && era === 'auto'))
        rows.push(row(role, client, server, transport, era, rest))
    }
    for (const peer of peers) {
      for (const era of peer.eras) {
        if (peer !== sessions && (era === 'session' || peer === bothEras)) add('client', peer, sessions, era)
        if (peer !== bothEras) add('client', peer, bothEras, era)
      }
      if (peer !== sessions) add('server', sessions, peer, 'session')
      if (peer !== bothEras) add('server', bothEras, peer, 'auto')
      if (peer.eras.includes('auto') && peer !== bothEras) add('itself', peer, peer, 'auto')
    }
    if (transport !== 'stdio') {
      rows.push(bridged(mcpRemote, transport), bridged(supergateway, transport))
    }
  }
  return rows
}

/** The rows of the short form: the SDKs that most programs are written with, over the main transports. */
export function fastRows() {
  const wanted = ({ role, client, server, transport, era }) => {
    if (transport === 'sse' || role === 'itself') return false
    if (role === 'client') return client.fast === true && server === (era === 'auto' ? bothEras : sessions)
    return server.fast === true && client === sessions
  }
  return allRows().filter(wanted)
}
