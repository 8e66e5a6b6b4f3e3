// A wire of Streamable HTTP before a scripted server, with what it told its owner; all is ended after each test.
import { afterEach, beforeEach } from 'vitest'
import type { Report } from '../../../src/core/ports/report.ts'
import { requestBytes } from '../../../src/core/protocol/jsonrpc.ts'
import { systemClock } from '../../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../../src/platform/random/system-random.ts'
import { HttpPools } from '../../../src/upstream/http/pools.ts'
import { type HttpWireOptions, openHttpWire, type StreamableHttpWire } from '../../../src/upstream/http/wire.ts'
import { RequestIds } from '../../../src/upstream/wire/ids.ts'
import type { IncomingNotification, IncomingRequest, WireAnswer, WireRequest } from '../../../src/upstream/wire/wire.ts'
import { result, type ScriptedServer, send, startScripted } from './scripted-server.ts'

export const json = 'application/json'
export const sse = 'text/event-stream'
const report: Report = { log: () => {}, counters: { add: () => {} } }

/** Anew for each test. */
export interface HttpWireRig {
  /** Answers each request with an empty result, until it gets another script. */
  server: ScriptedServer
  pools: HttpPools
  anomalies: string[]
  strays: (IncomingRequest | IncomingNotification)[]
  open(change?: Partial<HttpWireOptions>): StreamableHttpWire
}

export function httpWireRig(): HttpWireRig {
  const wires: StreamableHttpWire[] = []
  const at = {
    open: (change = {}) => {
      const wire = openHttpWire({
        upstream: 'up',
        url: at.server.url,
        resume: false,
        connectTimeoutMs: 2_000,
        userAgent: 'signalbox/0',
        maxMessageBytes: 10_000,
        ids: new RequestIds(0),
        clock: systemClock,
        random: systemRandom,
        report,
        pools: at.pools,
        ...change,
      })
      wire.onAnomaly = (type) => at.anomalies.push(type)
      wire.onStray = (message) => at.strays.push(message)
      wires.push(wire)
      return wire
    },
  } as HttpWireRig
  beforeEach(async () => {
    at.server = await startScripted((asked, response) => send(response, 200, json, result(asked.id)))
    at.pools = new HttpPools()
    at.anomalies = []
    at.strays = []
  })
  afterEach(async () => {
    await Promise.all(wires.splice(0).map((wire) => wire.close()))
    await at.pools.close()
    await at.server.stop()
  })
  return at
}

export function ask(wire: StreamableHttpWire, change: Partial<WireRequest> = {}): Promise<WireAnswer> {
  const id = wire.nextId()
  const method = change.method ?? 'tools/call'
  return wire.request({
    id,
    method,
    message: requestBytes(id, method, Buffer.from('{"name":"x"}')),
    headers: { 'mcp-method': method },
    signal: new AbortController().signal,
    onMessage: () => {},
    maxBytes: 100_000,
    ...change,
  })
}

/** What an answer is in a few words. */
export function kinds(answer: WireAnswer): unknown[] {
  if (answer.kind === 'lost') return ['lost', answer.fault.evidence?.execution, answer.fault.kind]
  if (answer.kind === 'status') return ['status', answer.status]
  return [answer.kind]
}
