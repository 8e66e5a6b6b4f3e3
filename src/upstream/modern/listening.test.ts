import { describe, expect, it } from 'vitest'
import { quiet } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { CallEvent, Interest } from '../../core/call/exchange.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import type { Context } from '../context.ts'
import { Envelope } from '../messages/envelope.ts'
import type { Wire, WireAnswer, WireRequest } from '../wire/wire.ts'
import { Listening } from './listening.ts'

const meta = 'io.modelcontextprotocol/subscriptionId'
const tools: Interest = { toolsListChanged: true }
const both: Interest = { toolsListChanged: true, promptsListChanged: true }
const reading = (...uris: string[]): Interest => ({ ...tools, resourceSubscriptions: uris })

/** A server over stdio that keeps subscriptions by connection, as go-sdk does: the end of any stream ends them all. */
class Server {
  readonly clock = new ManualClock()
  readonly opened: number[] = []
  readonly cancelled: number[] = []
  readonly heard: CallEvent[] = []
  readonly listening: Listening
  /** The stream that is told; undefined once any has ended. */
  told: number | undefined
  /** Whether it names the stream in what it sends, and as what. */
  named: (id: number) => unknown = (id) => id
  answers = true
  private readonly open = new Map<number, (answer: WireAnswer) => void>()
  private id = 0

  constructor() {
    const wire = {
      transport: 'stdio',
      nextId: () => {
        this.id += 1
        return this.id
      },
      request: (request: WireRequest) => this.request(request),
      post: (message: Uint8Array) => {
        const { params } = JSON.parse(Buffer.from(message).toString()) as { params: { requestId: number } }
        this.cancelled.push(params.requestId)
        if (this.answers) queueMicrotask(() => this.end(params.requestId))
        return Promise.resolve(undefined)
      },
    } as unknown as Wire
    const report = { log: () => {}, counters: { add: () => {} } }
    const context = {
      id: 'up',
      clock: this.clock,
      random: systemRandom,
      report,
      timeouts: { call: 60_000 },
      limits: { resultBytes: 1_000 },
    }
    this.listening = new Listening(context as unknown as Context, wire, new Envelope({ name: 'x', version: '1' }), () => ({}))
    this.listening.onEvent = (event) => this.heard.push(event)
  }

  private request({ id, message, signal }: WireRequest): Promise<WireAnswer> {
    const { params } = JSON.parse(Buffer.from(message).toString()) as { params: { notifications: Interest } }
    this.opened.push(id)
    this.told = id
    queueMicrotask(() => this.send(id, 'notifications/subscriptions/acknowledged', { notifications: params.notifications }))
    return new Promise((resolve) => {
      this.open.set(id, resolve)
      signal.addEventListener('abort', () => resolve({ kind: 'aborted', sent: true }))
    })
  }

  end(id: number): void {
    this.told = undefined
    this.open.get(id)?.({ kind: 'lost', sent: true, reason: 'ended' } as unknown as WireAnswer)
    this.open.delete(id)
  }

  send(id: number | undefined, method: string, params: Record<string, unknown>): void {
    const own = id === undefined ? undefined : this.named(id)
    const named = own === undefined ? params : { ...params, _meta: { [meta]: own } }
    this.listening.hear({ kind: 'notification', method, params: payloadOf(named) })
  }

  /** Tells whoever it believes to listen. */
  change(): boolean {
    this.heard.length = 0
    if (this.told === undefined) return false
    this.send(this.told, 'notifications/tools/list_changed', {})
    return this.heard.length === 1
  }
}

describe('changes of a server that keeps subscriptions by connection', () => {
  it('are heard however often the interest changes', async () => {
    const server = new Server()
    const interests = [
      tools,
      both,
      reading('a'),
      reading('a', 'b'),
      both,
      reading('b', 'c'),
      tools,
      reading('d'),
      reading('d', 'e'),
      reading('f'),
    ]
    for (const interest of interests) {
      expect(await server.listening.replace(interest)).toEqual(interest)
      expect(server.change(), JSON.stringify(interest)).toBe(true)
    }
    expect(server.opened.length - server.cancelled.length).toBeLessThanOrEqual(4)
    expect(server.cancelled.length).toBeGreaterThan(0)
  })

  it('that may have been missed while no stream was open are told of', async () => {
    const server = new Server()
    for (const uris of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']]) await server.listening.replace(reading(...uris))
    expect(server.heard).toEqual([])
    await server.listening.replace(reading('a', 'e'))
    expect(server.heard.map((event) => (event.kind === 'updated' ? event.uri : event.kind))).toEqual(['changed', 'a'])
  })

  it('are heard though it does not answer what was cancelled', async () => {
    const server = new Server()
    server.answers = false
    for (const uri of ['a', 'b', 'c', 'd']) await server.listening.replace(reading(uri))
    const accepted = server.listening.replace(reading('e'))
    await quiet()
    expect(server.opened).toHaveLength(4)
    await server.clock.advance(1_000)
    await quiet()
    expect(await accepted).toEqual(reading('e'))
    expect(server.change()).toBe(true)
  })

  it('are heard again where it ends one of several streams by itself', async () => {
    const server = new Server()
    await server.listening.replace(reading('a'))
    await server.listening.replace(reading('b'))
    server.end(1)
    await quiet()
    await server.clock.advance(0)
    await quiet()
    expect(server.opened).toEqual([1, 2, 3])
    expect(server.change()).toBe(true)
  })

  it.each([
    ['does not name', () => undefined],
    ['names as text', (id: number) => String(id)],
  ])('are heard where it %s the stream', async (_how, named) => {
    const server = new Server()
    server.named = named
    expect(await server.listening.replace(tools)).toEqual(tools)
    expect(await server.listening.replace(both)).toEqual(both)
    expect(server.change()).toBe(true)
  })

  it('end with the last interest, and begin again with the next', async () => {
    const server = new Server()
    await server.listening.replace(tools)
    expect(await server.listening.replace({})).toEqual({})
    expect(server.cancelled).toEqual([1])
    expect(await server.listening.replace(tools)).toEqual(tools)
    expect(server.change()).toBe(true)
  })
})
