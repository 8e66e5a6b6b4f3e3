import { describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRun } from '../../../test/doubles/run.ts'
import type { Call, ClientCapabilities } from '../../core/call/call.ts'
import { type CallEvent, type Interest, type OpenExchange, openExchange } from '../../core/call/exchange.ts'
import { endless } from '../../core/call/expiry.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { anonymous, type Principal } from '../../core/call/principal.ts'
import type { Owner, Upstream } from '../../core/ports/upstream.ts'
import { tasksExtension } from '../../core/protocol/names.ts'
import { createEvents, type Events, mostListens } from './hub.ts'

interface Watched {
  readonly upstream: string
  readonly owner: Owner | undefined
  readonly on: (event: CallEvent) => void
  readonly interests: Interest[]
  open: boolean
}

/** The hub over upstreams that take every subscription, and a catalogue whose answers a test sets. */
class Stand {
  readonly clock = new ManualClock()
  readonly watches: Watched[] = []
  readonly owners = new Map<string, string>([
    ['a:1', 'a'],
    ['a:2', 'a'],
    ['b:1', 'b'],
  ])
  readonly versions = { tools: 1, prompts: 1, resources: 1 }
  readonly lists = new Set(['tools', 'prompts', 'resources'])
  accept: (interest: Interest) => Promise<Interest> = (interest) => Promise.resolve(interest)
  /** Servers that have not shown what they have. */
  starting: Promise<void> | undefined
  readonly events: Events
  private changed: () => void = () => undefined

  constructor() {
    const upstreams = ['a', 'b'].map((id) => [id, this.upstream(id)] as const)
    this.events = createEvents({
      upstreams: new Map(upstreams),
      catalog: {
        onChange: (listener) => {
          this.changed = listener
          return () => undefined
        },
        watching: {
          starting: () => this.starting,
          subscribable: (_call, uri) => {
            const upstream = this.owners.get(uri)
            return upstream === undefined ? undefined : { upstream, uri: uri.replace('moved-', '') }
          },
          task: (visible, principal) => (visible === `sealed-for-${principal.sub}` ? { upstream: 'a', taskId: 'up-7' } : undefined),
          offers: (_mount, list) => this.lists.has(list),
          version: (_mount, list) => String(this.versions[list]),
        },
      },
      clock: this.clock,
      report: { log: () => undefined, counters: { add: () => undefined } },
    })
  }

  private upstream(id: string): Upstream {
    const watch: Upstream['watch'] = (_interest, on, owner) => {
      const watched: Watched = { upstream: id, owner, on, interests: [], open: true }
      this.watches.push(watched)
      return {
        update: (interest) => {
          watched.interests.push(interest)
          return this.accept(interest)
        },
        close: () => {
          watched.open = false
        },
      }
    }
    return { id, watch } as Partial<Upstream> as Upstream
  }

  change(list: 'tools' | 'prompts' | 'resources'): void {
    this.versions[list] += 1
    this.changed()
  }

  tell(event: CallEvent): void {
    for (const watched of this.watches) if (watched.open) watched.on(event)
  }

  listen(notifications: unknown, who: Principal = anonymous, affinity?: string): Promise<Listening> {
    return this.listenAs(listenCall(notifications, who, affinity))
  }

  async listenAs(call: Call): Promise<Listening> {
    const heard: CallEvent[] = []
    const sink = { emit: (event: CallEvent) => void heard.push(event) }
    const exchange = openExchange(this.clock, { idleMs: 50_000, totalMs: 900_000 }, sink, call.caller.principal)
    const settled: Outcome[] = []
    const outcome = this.events.listen(call, exchange)
    void outcome.then((one) => settled.push(one))
    await this.clock.advance(0)
    return { heard, exchange, outcome, settled }
  }
}

interface Listening {
  readonly heard: CallEvent[]
  readonly exchange: OpenExchange
  readonly outcome: Promise<Outcome>
  readonly settled: Outcome[]
}

function listenCall(notifications: unknown, principal: Principal, affinity: string | undefined): Call {
  return {
    id: 'l',
    method: 'subscriptions/listen',
    family: 'listen',
    mount: '',
    target: undefined,
    params: payloadOf(notifications === undefined ? {} : { notifications }),
    caller: {
      principal,
      client: undefined,
      capabilities: { extensions: { [tasksExtension]: {} } },
      affinity,
      arrival: { transport: 'http', revision: '2026-07-28' },
      headers: undefined,
    },
    interest: { progress: false, logLevel: undefined },
    asserted: undefined,
    continuation: undefined,
    deadlineMs: undefined,
    run: aRun(),
    trace: { traceId: 't', spanId: 's', parentSpanId: undefined, sampled: false, tracestate: undefined },
  }
}

const updated = (uri: string): CallEvent => ({ kind: 'updated', uri, params: payloadOf({ uri }) })
const kindsOf = (heard: readonly CallEvent[]): string[] =>
  heard.map((event) => (event.kind === 'updated' ? event.uri : event.kind === 'changed' ? event.list : event.kind))

describe('a listener', () => {
  it('hears first what was taken of its wishes: lists that the mount has, resources whose server tells of updates', async () => {
    const stand = new Stand()
    stand.lists.delete('prompts')
    const { heard } = await stand.listen({
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: false,
      resourceSubscriptions: ['a:1', 'nobody:1', 'b:1', 'a:1'],
    })
    expect(heard).toEqual([{ kind: 'acknowledged', notifications: { toolsListChanged: true, resourceSubscriptions: ['a:1', 'b:1'] } }])
  })

  it('waits a moment for servers that are starting, before it is told what was taken', async () => {
    const stand = new Stand()
    let started = (): void => undefined
    stand.starting = new Promise((resolve) => {
      started = resolve
    })
    const { heard } = await stand.listen({ toolsListChanged: true, resourceSubscriptions: ['late:1'] })
    expect(heard).toEqual([])
    stand.owners.set('late:1', 'a')
    started()
    await vi.waitFor(() => expect(heard).toHaveLength(1))
    expect(heard).toEqual([{ kind: 'acknowledged', notifications: { toolsListChanged: true, resourceSubscriptions: ['late:1'] } }])
    stand.tell(updated('late:1'))
    expect(kindsOf(heard)).toEqual(['acknowledged', 'late:1'])
  })

  it('hears of no resource that its server did not take', async () => {
    const stand = new Stand()
    stand.accept = ({ resourceSubscriptions = [] }) =>
      Promise.resolve({ resourceSubscriptions: resourceSubscriptions.filter((uri) => uri !== 'a:2') })
    const { heard } = await stand.listen({ resourceSubscriptions: ['a:1', 'a:2'] })
    expect(heard).toEqual([{ kind: 'acknowledged', notifications: { resourceSubscriptions: ['a:1'] } }])
    stand.tell(updated('a:2'))
    expect(heard).toHaveLength(1)
  })

  it('hears of updates of exactly its own URIs, with the params as the server sent them', async () => {
    const stand = new Stand()
    const one = await stand.listen({ resourceSubscriptions: ['a:1'] })
    const both = await stand.listen({ resourceSubscriptions: ['a:1', 'a:2'] })
    for (const uri of ['a:2', 'a:1', 'a:11', 'A:1']) stand.tell(updated(uri))
    expect(kindsOf(one.heard)).toEqual(['acknowledged', 'a:1'])
    expect(kindsOf(both.heard)).toEqual(['acknowledged', 'a:2', 'a:1'])
  })

  it('hears of a resource that its mount shows under another URI by the one it asked with', async () => {
    const stand = new Stand()
    stand.owners.set('moved-a:1', 'a')
    const { heard } = await stand.listen({ resourceSubscriptions: ['moved-a:1'] })
    expect(stand.watches[0]?.interests).toEqual([{ resourceSubscriptions: ['a:1'] }])
    expect(heard).toEqual([{ kind: 'acknowledged', notifications: { resourceSubscriptions: ['moved-a:1'] } }])
    stand.tell(updated('a:1'))
    expect(heard.slice(1)).toEqual([{ ...updated('a:1'), uri: 'moved-a:1' }])
  })

  it('hears of a changed list once for a burst, and not of one that reads the same', async () => {
    const stand = new Stand()
    const { heard } = await stand.listen({ toolsListChanged: true, resourcesListChanged: true })
    for (let i = 0; i < 50; i += 1) stand.change('tools')
    stand.change('prompts')
    await stand.clock.advance(100)
    expect(kindsOf(heard)).toEqual(['acknowledged', 'tools'])
    stand.change('tools')
    stand.versions.tools -= 1
    await stand.clock.advance(100)
    expect(heard).toHaveLength(2)
  })

  it('hears nothing before the acknowledgement, and afterwards what came meanwhile', async () => {
    const stand = new Stand()
    let take: (interest: Interest) => void = () => undefined
    stand.accept = () =>
      new Promise((resolve) => {
        take = resolve
      })
    const { heard } = await stand.listen({ toolsListChanged: true, resourceSubscriptions: ['a:1'] })
    stand.tell(updated('a:1'))
    stand.change('tools')
    await stand.clock.advance(100)
    expect(heard).toEqual([])
    take({ resourceSubscriptions: ['a:1'] })
    await stand.clock.advance(0)
    expect(kindsOf(heard)).toEqual(['acknowledged', 'a:1', 'tools'])
  })

  it('is acknowledged without the resources of a server that does not answer', async () => {
    const stand = new Stand()
    stand.accept = () => new Promise(() => undefined)
    const { heard } = await stand.listen({ toolsListChanged: true, resourceSubscriptions: ['a:1'] })
    await stand.clock.advance(5_000)
    expect(heard).toEqual([{ kind: 'acknowledged', notifications: { toolsListChanged: true } }])
  })

  it('hears no more of a resource that it may no longer see', async () => {
    const stand = new Stand()
    const { heard } = await stand.listen({ resourceSubscriptions: ['a:1'] })
    stand.owners.delete('a:1')
    stand.tell(updated('a:1'))
    expect(kindsOf(heard)).toEqual(['acknowledged'])
  })

  it('follows its own tasks under the ids that it knows', async () => {
    const stand = new Stand()
    const { heard } = await stand.listen({ taskIds: ['sealed-for-anonymous', 'sealed-for-bob'] })
    expect(heard).toEqual([{ kind: 'acknowledged', notifications: { taskIds: ['sealed-for-anonymous'] } }])
    expect(stand.watches[0]?.interests).toEqual([{ taskIds: ['up-7'] }])
    stand.tell({ kind: 'extension', method: 'notifications/tasks', params: payloadOf({ taskId: 'up-7', status: 'completed' }) })
    const [, news] = heard
    expect(news?.kind === 'extension' && news.params.json()).toEqual({ taskId: 'sealed-for-anonymous', status: 'completed' })
  })

  it('ends with an empty result when its signal does, and leaves nothing behind', async () => {
    const stand = new Stand()
    const { exchange, outcome, settled } = await stand.listen({ toolsListChanged: true, resourceSubscriptions: ['a:1', 'b:1'] })
    expect(settled).toEqual([])
    exchange.end('client_gone')
    expect(await outcome).toMatchObject({ kind: 'complete' })
    expect(stand.events.open()).toBe(0)
    expect(stand.watches.map(({ open }) => open)).toEqual([false, false])
  })

  it('may be silent for hours', async () => {
    const stand = new Stand()
    const { settled, exchange } = await stand.listen({ toolsListChanged: true })
    await stand.clock.advance(24 * 3_600_000)
    expect(settled).toEqual([])
    expect(exchange.signal.aborted).toBe(false)
  })

  it.each([undefined, null, 'x', []])('with the filter %j is refused', async (notifications) => {
    const { settled } = await new Stand().listen(notifications)
    expect(settled).toMatchObject([{ kind: 'fault', fault: { kind: 'invalid_params' } }])
  })
})

describe('listeners together', () => {
  it('share one watch an upstream and owner, with the union of their URIs by count', async () => {
    const stand = new Stand()
    const first = await stand.listen({ resourceSubscriptions: ['a:1'] })
    const second = await stand.listen({ resourceSubscriptions: ['a:1', 'a:2'] })
    expect(stand.watches).toHaveLength(1)
    first.exchange.end('client_gone')
    await stand.clock.advance(0)
    second.exchange.end('client_gone')
    await stand.clock.advance(0)
    expect(stand.watches[0]?.interests).toEqual([{ resourceSubscriptions: ['a:1'] }, { resourceSubscriptions: ['a:1', 'a:2'] }])
    expect(stand.watches[0]?.open).toBe(false)
  })

  it('of different principals or sessions have watches of their own', async () => {
    const stand = new Stand()
    await stand.listen({ resourceSubscriptions: ['a:1'] })
    await stand.listen({ resourceSubscriptions: ['a:1'] }, anonymous, 'session-1')
    await stand.listen({ resourceSubscriptions: ['a:1'] }, aPrincipal({ sub: 'bob' }))
    await stand.listen({ resourceSubscriptions: ['a:1'] }, aPrincipal({ sub: 'bob', tenant: 'acme' }))
    expect(stand.watches.map(({ owner }) => owner)).toMatchObject([
      { principal: anonymous, affinity: undefined },
      { principal: anonymous, affinity: 'session-1' },
      { principal: aPrincipal({ sub: 'bob' }), affinity: undefined },
      { principal: aPrincipal({ sub: 'bob', tenant: 'acme' }), affinity: undefined },
    ])
  })

  it('who can be asked different things have watches of their own, since their calls have connections of their own', async () => {
    const stand = new Stand()
    const forms = { elicitation: { form: {} } }
    const listen = (capabilities: ClientCapabilities) => {
      const call = listenCall({ resourceSubscriptions: ['a:1'] }, anonymous, undefined)
      return stand.listenAs({ ...call, caller: { ...call.caller, capabilities } })
    }
    for (const capabilities of [{}, forms, forms, { sampling: {} }]) await listen(capabilities)
    expect(stand.watches.map(({ owner }) => owner?.capabilities)).toEqual([{}, forms, { sampling: {} }])
  })

  it('reopened with overlap cost the upstream nothing', async () => {
    const stand = new Stand()
    const before = await stand.listen({ resourceSubscriptions: ['a:1'] })
    await stand.listen({ resourceSubscriptions: ['a:1'] })
    before.exchange.end('client_gone')
    await stand.clock.advance(0)
    expect(stand.watches).toHaveLength(1)
    expect(stand.watches[0]).toMatchObject({ open: true, interests: [{ resourceSubscriptions: ['a:1'] }] })
  })

  it('are bounded in number', async () => {
    const stand = new Stand()
    for (let i = 0; i < mostListens; i += 1)
      void stand.events.listen(
        listenCall({}, anonymous, undefined),
        openExchange(stand.clock, { idleMs: 1, totalMs: 1 }, { emit: () => undefined }, endless),
      )
    const { settled } = await stand.listen({})
    expect(settled).toMatchObject([{ kind: 'fault', fault: { kind: 'overloaded', retryable: true } }])
  })

  it('all end with their result when the gateway drains, and later ones are refused', async () => {
    const stand = new Stand()
    const listening = [await stand.listen({ toolsListChanged: true }), await stand.listen({ resourceSubscriptions: ['a:1'] })]
    stand.events.drain()
    for (const { outcome } of listening) expect((await outcome).kind).toBe('complete')
    expect(stand.clock.pending).toBe(0)
    expect((await stand.listen({})).settled).toMatchObject([{ kind: 'fault', fault: { kind: 'draining' } }])
  })

  it('ends with the reason when the credential of its caller does, and leaves the upstream', async () => {
    const stand = new Stand()
    const { outcome } = await stand.listen({ resourceSubscriptions: ['a:1'] }, aPrincipal({ expiresAt: stand.clock.now() + 9_000 }))
    await stand.clock.advance(9_000)
    expect(await outcome).toMatchObject({ kind: 'fault', fault: { kind: 'credential_expired', sideEffect: 'none' } })
    expect(stand.watches.map(({ open }) => open)).toEqual([false])
  })
})
