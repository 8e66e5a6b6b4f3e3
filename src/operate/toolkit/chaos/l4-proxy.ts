// A fault proxy for TCP on loopback: it forwards bytes and, on command, refuses, resets, stalls, drips or splits them. It knows nothing
// of what it carries. One fault holds at a time, for all its connections or for a seeded part of them.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../../core/ports/clock.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import { seededFractions } from './seeded-fractions.ts'

export type L4Fault =
  | { readonly kind: 'none' }
  /** Nobody listens, and what is open is reset. */
  | { readonly kind: 'refuse' }
  /** Connections are taken and their bytes are swallowed; nothing ever comes back. */
  | { readonly kind: 'silence' }
  /** Both sides stand still without an end: a peer whose network went away. */
  | { readonly kind: 'half-open' }
  /** RST towards the client once this many bytes of an answer went through; 0 is before the first. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** FIN at that point. */
  | { readonly kind: 'end'; readonly afterBytes: number }
  /** Nothing more after that point, and no end. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Answers come `bytes` at a time, one lot in `everyMs`. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** Answers come in packets of `bytes`, one in each turn of the event loop. */
  | { readonly kind: 'split'; readonly bytes: number }

export interface L4Proxy {
  readonly port: number
  /** Connections taken so far. */
  readonly accepted: number
  /** Connections open now. */
  readonly open: number
  /** `probability`: the part of the connections that it holds for, in [0, 1], drawn once for each. `refuse` holds for all. */
  set(fault: L4Fault, probability?: number): Promise<void>
  stop(): Promise<void>
}

export interface L4Options {
  /** Of the proxy itself; 0 is any that is free. */
  readonly port?: number
  /** Of the draws: connections in the same order get the same. */
  readonly seed?: number
  readonly clock?: Clock
}

const noFault: L4Fault = { kind: 'none' }

/** Forwards to the port `target` on loopback. Rejects where its own port cannot be had. */
export async function startL4Proxy(target: number, { port = 0, seed = 1, clock = systemClock }: L4Options = {}): Promise<L4Proxy> {
  const proxy = new FaultProxy(target, seed, clock)
  await proxy.listen(port)
  return proxy
}

class FaultProxy implements L4Proxy {
  port = 0
  accepted = 0
  readonly clock: Clock
  private fault: L4Fault = noFault
  private probability = 1
  private readonly target: number
  private readonly fraction: () => number
  private readonly pairs = new Set<Pair>()
  private server: Server | undefined

  constructor(target: number, seed: number, clock: Clock) {
    this.target = target
    this.fraction = seededFractions(seed)
    this.clock = clock
  }

  get open(): number {
    return this.pairs.size
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.take(socket))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.server = server
  }

  async set(fault: L4Fault, probability = 1): Promise<void> {
    this.fault = fault
    this.probability = probability
    for (const pair of this.pairs) pair.renew(this.drawn())
    if (fault.kind === 'refuse') {
      await this.unlisten()
      for (const pair of this.pairs) pair.reset()
    } else if (this.server === undefined) {
      await this.listen(this.port)
    }
  }

  async stop(): Promise<void> {
    await this.unlisten()
    for (const pair of this.pairs) pair.reset()
  }

  private take(socket: Socket): void {
    this.accepted += 1
    const server = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true })
    const pair = new Pair(socket, server, this.drawn(), this.clock)
    this.pairs.add(pair)
    socket.once('close', () => this.pairs.delete(pair))
  }

  private drawn(): L4Fault {
    return this.probability >= 1 || this.fraction() < this.probability ? this.fault : noFault
  }

  private async unlisten(): Promise<void> {
    const { server } = this
    this.server = undefined
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    for (const pair of this.pairs) pair.reset()
    await closed
  }
}

/** One connection through the proxy. */
class Pair {
  private readonly client: Socket
  private readonly server: Socket
  private readonly clock: Clock
  private fault: L4Fault
  /** Bytes of answers since the fault was set. */
  private passed = 0
  private waiting: Buffer[] = []
  private pumping = false
  private ending = false

  constructor(client: Socket, server: Socket, fault: L4Fault, clock: Clock) {
    this.client = client
    this.server = server
    this.fault = fault
    this.clock = clock
    client.setNoDelay(true)
    client.on('data', (chunk) => {
      if (this.fault.kind !== 'silence' && this.fault.kind !== 'half-open') server.write(chunk)
    })
    client.on('end', () => server.end())
    client.on('error', () => server.destroy())
    client.on('close', () => server.destroy())
    server.on('data', (chunk) => this.push(chunk))
    server.on('end', () => {
      this.ending = true
      void this.pump()
    })
    server.on('error', () => client.resetAndDestroy())
  }

  renew(fault: L4Fault): void {
    this.fault = fault
    this.passed = 0
  }

  reset(): void {
    this.client.resetAndDestroy()
    this.server.destroy()
  }

  private push(chunk: Buffer): void {
    this.waiting.push(chunk)
    void this.pump()
  }

  private async pump(): Promise<void> {
    if (this.pumping) return
    this.pumping = true
    for (let chunk = this.waiting.shift(); chunk !== undefined; chunk = this.waiting.shift()) await this.pass(chunk)
    this.pumping = false
    if (this.ending) this.client.end()
  }

  private async pass(chunk: Buffer): Promise<void> {
    const { fault } = this
    switch (fault.kind) {
      case 'silence':
      case 'half-open':
      case 'refuse':
        return
      case 'reset':
      case 'end':
      case 'stall':
        return this.passUpTo(chunk, fault.kind, fault.afterBytes)
      case 'drip':
        return this.slice(chunk, fault.bytes, () => new Promise((resolve) => this.clock.timer(fault.everyMs, resolve)))
      case 'split':
        return this.slice(chunk, fault.bytes, () => new Promise((resolve) => setImmediate(resolve)))
      default:
        this.client.write(chunk)
    }
  }

  private passUpTo(chunk: Buffer, how: 'reset' | 'end' | 'stall', afterBytes: number): void {
    const room = Math.max(0, afterBytes - this.passed)
    const part = chunk.subarray(0, room)
    this.passed += part.length
    if (part.length === chunk.length) {
      this.client.write(part)
      return
    }
    const cut = (): void => {
      if (how === 'reset') this.reset()
      else if (how === 'end') {
        this.client.end()
        this.server.destroy()
      }
    }
    // A reset throws away what was not sent yet.
    if (part.length > 0) this.client.write(part, cut)
    else cut()
  }

  private async slice(chunk: Buffer, bytes: number, pause: () => Promise<void>): Promise<void> {
    for (let at = 0; at < chunk.length && this.client.writable; at += bytes) {
      this.client.write(chunk.subarray(at, at + bytes))
      await pause()
    }
  }
}
