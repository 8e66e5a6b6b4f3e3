// Where listeners meet upstreams: answers `subscriptions/listen` (MCP 2026-07-28 §subscriptions). Says first what it took, then tells of
// changed lists and updated resources, and ends with an empty result. Fan-out never waits for anybody: a sink is bounded.

import type { Call, Caller, UpstreamId } from '../../core/call/call.ts'
import { type CallEvent, type Exchange, endReason, type Interest, tell } from '../../core/call/exchange.ts'
import { complete, failed, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { type Principal, principalKey, sameRights } from '../../core/call/principal.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { Next } from '../../core/call/stage.ts'
import type { TenantKey } from '../../core/call/tenant-key.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Upstream } from '../../core/ports/upstream.ts'
import { carriedIn, type Found } from '../../core/protocol/carriers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { tasksExtension } from '../../core/protocol/names.ts'
import { Channel, type Hear, keyOf, type Topic } from './channel.ts'

type ListName = 'tools' | 'prompts' | 'resources'

/** Listens open at once, and topics in one of them. */
export const mostListens = 20_000
const mostTopics = 1_024
/** Changes of lists within this many ms are told once. */
const debounceMs = 75

/** What the hub asks the catalog; each by the mount and the rights of the listener, at the moment of the question. */
export interface Watching {
  /** Where a server that could have one of the URIs is starting: until they are found, or a moment. Undefined where nothing is waited for. */
  starting(call: Call, uris: readonly string[], signal: Signal): Promise<void> | undefined
  /** The upstream and its own URI of a resource that the listener sees and that tells of updates. */
  subscribable(call: Call, uri: string): { readonly upstream: UpstreamId; readonly uri: string } | undefined
  /** The upstream and its own id of a task that the principal may follow. */
  task(visible: string, principal: Principal): { readonly upstream: UpstreamId; readonly taskId: string } | undefined
  offers(mount: string, list: ListName): boolean
  /** Equal as long as the list of the mount reads the same to the listener. */
  version(call: Call, list: ListName): string
}

export interface EventsParts {
  readonly upstreams: ReadonlyMap<UpstreamId, Upstream>
  /** `onChange` is told after changes of the catalogue. */
  readonly catalog: { readonly watching: Watching; onChange(listener: () => void): () => void }
  readonly clock: Clock
  readonly report: Report
}

export interface Events {
  /** Terminal of `subscriptions/listen`; settles when the signal ends or the hub is drained. */
  readonly listen: Next<Call>
  /**
   * A caller shows a credential that was not seen before. Its listens of one with other rights hear of the lists that read differently by
   * the new one, with which its client will list from now on; what they hear beside is by their own, until that ends.
   */
  seen(principal: Principal): void
  /** Ends every listen with its result; later ones are refused. */
  drain(): void
  /** Listens open now, for the gauge. */
  open(): number
}

export function createEvents(parts: EventsParts): Events {
  const hub = new Hub(parts)
  return {
    listen: (call, exchange) => hub.listen(call, exchange),
    seen: (principal) => hub.seen(principal),
    drain: () => hub.drain(),
    open: () => hub.listeners.size,
  }
}

class Hub {
  readonly listeners = new Set<Listener>()
  private readonly parts: EventsParts
  private readonly channels = new Map<string, Channel>()
  /** Of clients without a session, by principal. */
  private readonly sessionless = new Map<TenantKey, Set<Listener>>()
  /** The last of each client session. */
  private readonly ofSessions = new Map<string, Listener>()
  private readonly release: () => void
  private timer: Timer | undefined
  private draining = false

  constructor(parts: EventsParts) {
    this.parts = parts
    this.release = parts.catalog.onChange(() => {
      this.timer ??= parts.clock.timer(debounceMs, () => this.tellChanges())
    })
  }

  async listen(call: Call, exchange: Exchange): Promise<Outcome> {
    if (this.draining) return failed(fault('draining'))
    if (this.listeners.size >= mostListens) {
      return failed(fault('overloaded', { upstream: 'subscriptions', limit: mostListens, retryAfterMs: 5_000 }, { retryAfterMs: 5_000 }))
    }
    const params = call.params.json()
    const wanted = filterOf(params)
    if (wanted === undefined) return failed(fault('invalid_params', { reason: 'params.notifications is no object' }))
    const found = carriedIn('request', call.method, params)
    if (found.some(({ carries }) => carries === 'task') && !declaresTasks(call.caller)) {
      return failed(fault('missing_capability', { needs: tasksExtension, requiredCapabilities: { extensions: { [tasksExtension]: {} } } }))
    }
    // A listen is meant to be silent for hours.
    exchange.deadline.pause()
    const listener = new Listener(call, exchange, this.parts.catalog.watching, listsOf(wanted, call.mount, this.parts.catalog.watching))
    this.enter(listener)
    let subscriptions: readonly Subscription[] = []
    try {
      const uris = found.filter(({ carries }) => carries !== 'task').map(({ value }) => value)
      const starting = this.parts.catalog.watching.starting(call, uris.slice(0, mostTopics), exchange.signal)
      if (starting !== undefined) await Promise.race([starting, listener.ended])
      subscriptions = this.subscriptions(call, found, listener)
      const taken = await Promise.race([this.join(subscriptions), listener.ended])
      if (taken !== undefined) listener.acknowledge(taken)
      await listener.ended
      // Its client has to show a new credential; it is owed the reason in place of an end in order.
      if (endReason(exchange.signal) === 'expired') return failed(endedBy('expired', call.method))
    } finally {
      this.leave(listener)
      listener.close()
      for (const { channel, topics, hear } of subscriptions) channel.leave(topics, hear)
    }
    return complete(emptyObject, unscanned(emptyObject.bytes.length))
  }

  seen(principal: Principal): void {
    for (const listener of this.sessionless.get(principalKey(principal)) ?? []) {
      try {
        listener.tellRights(principal)
      } catch (bug) {
        listener.fail(bug)
      }
    }
  }

  private enter(listener: Listener): void {
    this.listeners.add(listener)
    const { affinity, principal } = listener.call.caller
    if (affinity === undefined) {
      const key = principalKey(principal)
      const own = this.sessionless.get(key)
      if (own === undefined) this.sessionless.set(key, new Set([listener]))
      else own.add(listener)
      return
    }
    // A session that listens anew, by other rights perhaps, is owed what reads differently from what it was told last.
    const before = this.ofSessions.get(affinity)
    if (before !== undefined) listener.takesPlaceOf(before)
    this.ofSessions.set(affinity, listener)
  }

  private leave(listener: Listener): void {
    this.listeners.delete(listener)
    const { affinity, principal } = listener.call.caller
    if (affinity !== undefined) {
      if (this.ofSessions.get(affinity) === listener) this.ofSessions.delete(affinity)
      return
    }
    const key = principalKey(principal)
    const own = this.sessionless.get(key)
    own?.delete(listener)
    if (own?.size === 0) this.sessionless.delete(key)
  }

  drain(): void {
    this.draining = true
    this.timer?.cancel()
    this.release()
    for (const listener of this.listeners) listener.end()
  }

  private tellChanges(): void {
    this.timer = undefined
    for (const listener of this.listeners) {
      try {
        listener.tellChanges()
      } catch (bug) {
        listener.fail(bug)
      }
    }
  }

  /** The topics of a listen, by the channel that they are watched on; what belongs to no upstream is left out. */
  private subscriptions(call: Call, found: readonly Found[], listener: Listener): Subscription[] {
    const byUpstream = new Map<UpstreamId, { topics: Topic[]; visible: Map<string, string> }>()
    for (const { carries, value } of found.slice(0, mostTopics)) {
      const owned = this.ownerOf(call, carries === 'task' ? 'task' : 'uri', value)
      if (owned === undefined) continue
      const group = byUpstream.get(owned.upstream) ?? { topics: [], visible: new Map<string, string>() }
      byUpstream.set(owned.upstream, group)
      const key = keyOf(owned.topic)
      if (!group.visible.has(key)) group.topics.push(owned.topic)
      group.visible.set(key, value)
    }
    return [...byUpstream].flatMap(([upstream, { topics, visible }]) => {
      const channel = this.channel(upstream, call.caller)
      const hear: Hear = (topic, event) => listener.hear(upstream, topic, visible.get(keyOf(topic)) ?? topic.id, event)
      return channel === undefined ? [] : [{ channel, topics, visible, hear }]
    })
  }

  private ownerOf(call: Call, about: Topic['about'], value: string): { upstream: UpstreamId; topic: Topic } | undefined {
    if (about === 'uri') {
      const found = this.parts.catalog.watching.subscribable(call, value)
      return found === undefined ? undefined : { upstream: found.upstream, topic: { about, id: found.uri } }
    }
    const ref = this.parts.catalog.watching.task(value, call.caller.principal)
    return ref === undefined ? undefined : { upstream: ref.upstream, topic: { about, id: ref.taskId } }
  }

  /** What the upstreams took, in the form that the client asked. */
  private async join(subscriptions: readonly Subscription[]): Promise<Taken> {
    const taken: Taken = { uris: [], tasks: [], refusals: new Map() }
    await Promise.all(
      subscriptions.map(async ({ channel, topics, visible, hear }) => {
        const took = new Set(await channel.join(topics, hear))
        const refused = topics.filter((topic) => !took.has(topic))
        for (const topic of refused) {
          const why = channel.refusalOf(topic)
          if (why !== undefined) taken.refusals.set(visible.get(keyOf(topic)) ?? topic.id, why)
        }
        channel.leave(refused, hear)
        for (const topic of took) {
          const id = visible.get(keyOf(topic)) ?? topic.id
          if (topic.about === 'uri') taken.uris.push(id)
          else taken.tasks.push(id)
        }
      }),
    )
    return taken
  }

  /**
   * Servers keep subscriptions by session, so a channel belongs to one owner: the principal and, where it has one, its session, else those
   * who can be asked the same, since they share one.
   */
  private channel(upstream: UpstreamId, { principal, affinity, capabilities }: Caller): Channel | undefined {
    const key = `${principalKey(principal)}\u0000${upstream}\u0000${affinity ?? JSON.stringify(capabilities)}`
    const behind = this.parts.upstreams.get(upstream)
    if (behind === undefined) return undefined
    const known = this.channels.get(key)
    // A server that was taken out and came back is another, to which nobody listens yet.
    if (known?.upstream === behind) return known
    const channel: Channel = new Channel({
      upstream: behind,
      owner: { principal, affinity, capabilities },
      clock: this.parts.clock,
      report: this.parts.report,
      emptied: () => {
        if (this.channels.get(key) === channel) this.channels.delete(key)
      },
    })
    this.channels.set(key, channel)
    return channel
  }
}

interface Subscription {
  readonly channel: Channel
  readonly topics: readonly Topic[]
  /** The id as the client gave it, by topic. */
  readonly visible: ReadonlyMap<string, string>
  readonly hear: Hear
}

interface Taken {
  readonly uris: string[]
  readonly tasks: string[]
  /** What servers said of those that they did not take, by the URI as the client gave it. */
  readonly refusals: Map<string, Fault>
}

/** One open listen. Nothing but the acknowledgement leaves before it. */
class Listener {
  readonly ended: Promise<undefined>
  readonly call: Call
  private readonly exchange: Exchange
  private readonly watching: Watching
  private readonly versions: Map<ListName, string>
  private readonly early = new Map<string, CallEvent>()
  private acknowledged = false
  private finish: () => void = () => undefined

  constructor(call: Call, exchange: Exchange, watching: Watching, lists: readonly ListName[]) {
    this.call = call
    this.exchange = exchange
    this.watching = watching
    this.versions = new Map(lists.map((list) => [list, watching.version(call, list)]))
    this.ended = new Promise((resolve) => {
      this.finish = () => resolve(undefined)
    })
    if (exchange.signal.aborted) this.finish()
    else exchange.signal.addEventListener('abort', this.finish, { once: true })
  }

  takesPlaceOf({ versions, call }: Listener): void {
    if (call.mount !== this.call.mount) return
    for (const list of this.versions.keys()) {
      const told = versions.get(list)
      if (told !== undefined) this.versions.set(list, told)
    }
  }

  end(): void {
    this.finish()
  }

  close(): void {
    this.acknowledged = false
    this.exchange.signal.removeEventListener('abort', this.finish)
  }

  acknowledge({ uris, tasks, refusals }: Taken): void {
    const notifications: Interest = {
      ...(this.versions.has('tools') ? { toolsListChanged: true } : {}),
      ...(this.versions.has('prompts') ? { promptsListChanged: true } : {}),
      ...(this.versions.has('resources') ? { resourcesListChanged: true } : {}),
      ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
      ...(tasks.length === 0 ? {} : { taskIds: tasks }),
    }
    tell(this.exchange, { kind: 'acknowledged', notifications, ...(refusals.size === 0 ? {} : { refusals }) })
    this.acknowledged = true
    for (const event of this.early.values()) tell(this.exchange, event)
    this.early.clear()
    this.tellChanges()
  }

  fail(bug: unknown): void {
    this.exchange.fail(bug)
  }

  /** Tells of the lists that read differently from when they were told last. */
  tellChanges(): void {
    if (!this.acknowledged) return
    for (const [list, before] of this.versions) {
      const now = this.watching.version(this.call, list)
      if (now === before) continue
      this.versions.set(list, now)
      tell(this.exchange, { kind: 'changed', list })
    }
  }

  /** Tells of the lists that read differently by what the client shows now. */
  tellRights(principal: Principal): void {
    const { caller } = this.call
    if (!this.acknowledged || principal.clientId !== caller.principal.clientId || sameRights(principal, caller.principal)) return
    const call = { ...this.call, caller: { ...caller, principal } }
    for (const [list, told] of this.versions) {
      if (this.watching.version(call, list) !== told) tell(this.exchange, { kind: 'changed', list })
    }
  }

  /** An event of a topic of this listen; `visible` is the id as the client gave it. */
  hear(upstream: UpstreamId, topic: Topic, visible: string, event: CallEvent): void {
    // What the listener may see is asked anew at each event: rights and owners change while a listen is open.
    if (topic.about === 'uri' && this.watching.subscribable(this.call, visible)?.upstream !== upstream) return
    const told = topic.id === visible ? event : renamed(event, visible)
    if (this.acknowledged) tell(this.exchange, told)
    else this.early.set(keyOf(topic), told)
  }
}

function renamed(event: CallEvent, visible: string): CallEvent {
  if (event.kind === 'updated') return { ...event, uri: visible }
  if (event.kind !== 'extension') return event
  const edits = carriedIn('notification', event.method, event.params.json()).map(({ path }) => ({ path, value: JSON.stringify(visible) }))
  return { ...event, params: event.params.edit(edits) }
}

/** `params.notifications`; undefined where it is misshapen. */
function filterOf(params: unknown): Readonly<Record<string, unknown>> | undefined {
  const filter = isObject(params) ? params.notifications : undefined
  return isObject(filter) ? filter : undefined
}

function listsOf(wanted: Readonly<Record<string, unknown>>, mount: string, watching: Watching): ListName[] {
  const asked: ListName[] = []
  if (wanted.toolsListChanged === true) asked.push('tools')
  if (wanted.promptsListChanged === true) asked.push('prompts')
  if (wanted.resourcesListChanged === true) asked.push('resources')
  return asked.filter((list) => watching.offers(mount, list))
}

function declaresTasks(caller: Caller): boolean {
  const { extensions } = caller.capabilities
  return isObject(extensions) && isObject(extensions[tasksExtension])
}
