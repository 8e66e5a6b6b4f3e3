// The front door with a gateway behind it that answers as a test says; what is started is closed after each test.
import { afterEach } from 'vitest'
import type { CallEvent, Exchange } from '../../../src/core/call/exchange.ts'
import { payloadOf } from '../../../src/core/call/payload.ts'
import { modernBody, modernHeaders, type OpenDoor, openDoor, send } from './http-peer.ts'
import { type Answering, type ContextChange, completed, testContext, testGateway } from './test-gateway.ts'

export function modernRig() {
  const doors: OpenDoor[] = []
  afterEach(async () => {
    for (const { door } of doors.splice(0)) await door.close()
  })
  return {
    start: async (answering: Answering, change: ContextChange & { mounts?: string[] } = {}) => {
      const gateway = testGateway(answering, change.mounts === undefined ? {} : { mounts: change.mounts })
      const context = testContext(gateway, change)
      const at = await openDoor(context)
      doors.push(at)
      return { at, gateway, context }
    },
  }
}

export const progress = (n: number): CallEvent => ({ kind: 'progress', params: payloadOf({ progressToken: 'upstream', progress: n }) })
export const logged = (level: 'debug' | 'error'): CallEvent => ({ kind: 'log', level, params: payloadOf({ level, data: 'x' }) })
const discovered = { capabilities: { tools: { listChanged: true } }, instructions: 'Hello' }
const tool = { name: 'echo', inputSchema: { type: 'object' } }

/** Answers discovery and lists as a gateway does; tools/call by `onCall`. */
export function serving(onCall: Answering): Answering {
  return (call, exchange) => {
    if (call.method === 'server/discover') return completed(discovered)
    if (call.method === 'tools/list') return completed({ tools: [tool] })
    return onCall(call, exchange)
  }
}

/** Resolves when the exchange ends. */
export function untilEnd(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => exchange.signal.addEventListener('abort', () => resolve()))
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

export function callTool(at: OpenDoor, params: Record<string, unknown> = {}, meta: Record<string, unknown> = {}, id: unknown = 1) {
  const body = modernBody('tools/call', { name: 'echo', ...params }, meta, id)
  return send(at.port, { headers: modernHeaders('tools/call', 'echo'), body })
}
