// A wire inside one process, to a real server of the official SDK: one stream for everything, as stdio has.
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { fault } from '../../../src/core/faults/catalogue.ts'
import type { Fault } from '../../../src/core/faults/fault.ts'
import { readMessage } from '../../../src/core/protocol/jsonrpc.ts'
import type { Dial } from '../../../src/upstream/wire/dial.ts'
import type { IncomingNotification, IncomingRequest, Wire, WireAnomaly, WireAnswer, WireRequest } from '../../../src/upstream/wire/wire.ts'

export class MemoryWire implements Wire {
  readonly transport = 'stdio'
  onStray: (message: IncomingRequest | IncomingNotification) => void = () => {}
  onEnd: (fault: Fault) => void = () => {}
  onAnomaly: (type: WireAnomaly, detail: string) => void = () => {}
  /** Every message that the exit sent, in order. */
  readonly sent: { method?: string; id?: number; params?: Record<string, unknown>; result?: unknown; error?: unknown }[] = []

  private readonly near: InMemoryTransport
  private readonly waiting = new Map<string, (answer: WireAnswer) => void>()
  private lastId = 0
  private closed = false

  private constructor(near: InMemoryTransport) {
    this.near = near
    near.onmessage = (message) => this.take(message)
  }

  static async to(server: McpServer): Promise<MemoryWire> {
    const [near, far] = InMemoryTransport.createLinkedPair()
    const wire = new MemoryWire(near)
    await server.connect(far)
    await near.start()
    return wire
  }

  nextId(): number {
    this.lastId += 1
    return this.lastId
  }

  request(request: WireRequest): Promise<WireAnswer> {
    if (this.closed) return Promise.resolve({ kind: 'aborted', sent: false })
    return new Promise((resolve) => {
      const done = (answer: WireAnswer): void => {
        this.waiting.delete(String(request.id))
        resolve(answer)
      }
      this.waiting.set(String(request.id), done)
      request.signal.addEventListener('abort', () => done({ kind: 'aborted', sent: true }), { once: true })
      this.hand(request.message)
    })
  }

  async post(message: Uint8Array): Promise<Fault | undefined> {
    if (this.closed) return fault('upstream_unavailable', { upstream: 'up', reason: 'the wire is closed' })
    this.hand(message)
    return undefined
  }

  async close(): Promise<void> {
    this.closed = true
    for (const done of [...this.waiting.values()]) done({ kind: 'aborted', sent: true })
    await this.near.close()
  }

  /** The peer is gone, as a crashed child is. */
  crash(): void {
    this.closed = true
    const lost = fault('upstream_unavailable', { upstream: 'up', reason: 'the process ended' })
    for (const done of [...this.waiting.values()]) done({ kind: 'lost', fault: lost })
    this.onEnd(lost)
  }

  private hand(bytes: Uint8Array): void {
    const message = JSON.parse(Buffer.from(bytes).toString()) as JSONRPCMessage
    this.sent.push(message as never)
    void this.near.send(message)
  }

  private take(message: JSONRPCMessage): void {
    const read = readMessage(Buffer.from(JSON.stringify(message)))
    if (read.kind === 'request' || read.kind === 'notification') this.onStray(read)
    else if (read.kind !== 'ambiguous') this.waiting.get(read.id ?? '')?.({ kind: 'answer', answer: read, status: 200 })
  }
}

/** Dials in-process servers: `make` is called for each connection. */
export function memoryDial(make: () => McpServer): Dial & { readonly wires: MemoryWire[] } {
  const wires: MemoryWire[] = []
  const refuse = (): never => {
    throw new TypeError('only stdio here')
  }
  return {
    wires,
    stdio: async () => {
      const wire = await MemoryWire.to(make())
      wires.push(wire)
      return wire
    },
    http: refuse,
    sse: refuse,
  }
}
