// A server that cannot even be tried, because its configuration misses something: it is named with its reason, and the others serve.
import { failed } from '../core/call/outcome.ts'
import { fault } from '../core/faults/catalogue.ts'
import { evidence } from '../core/faults/evidence.ts'
import { type Upstream, UpstreamFault } from '../core/ports/upstream.ts'

export function brokenUpstream(id: string, transport: 'stdio' | 'streamable-http', reason: string, sinceMs: number): Upstream {
  const why = (item: string) => fault('config_error', { upstream: id, item, reason }, { evidence: evidence.not_configured })
  return {
    id,
    describe: () => ({ transport, revision: undefined, identity: undefined, capabilities: undefined, instructions: undefined }),
    health: () => ({ state: 'unavailable', reason, sinceMs, connections: 0, restarts: 0, inFlight: 0 }),
    ready: async () => why('it'),
    send: async (call) => failed(why(call.target ?? call.method)),
    items: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new UpstreamFault(why('it'))) }) }),
    watch: () => ({ update: async () => ({}), close: () => undefined }),
    onChange: () => () => undefined,
    drain: async () => undefined,
  }
}
