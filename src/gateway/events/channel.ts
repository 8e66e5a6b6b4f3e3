// One watch on one upstream, shared by all listeners of one owner: the union of what they want to hear, by reference count, and the way
// of each event to those who asked for it.
import type { Accepted, CallEvent, Interest } from '../../core/call/exchange.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground, reportBug } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Owner, Upstream, Watch } from '../../core/ports/upstream.ts'
import { carriedIn } from '../../core/protocol/carriers.ts'

/** Something of one upstream that changes: a resource by its URI or a task by the upstream's own id. Compared exactly. */
export interface Topic {
  readonly about: 'uri' | 'task'
  readonly id: string
}

/** Who hears of a topic; `event` is as the upstream sent it. */
export type Hear = (topic: Topic, event: CallEvent) => void

export interface ChannelParts {
  readonly upstream: Upstream
  readonly owner: Owner
  readonly clock: Clock
  readonly report: Report
  /** The last listener left: the channel is closed and forgotten. */
  readonly emptied: () => void
}

/** How long an upstream may take to take a changed set of topics, in ms. */
const updateMs = 5_000

export class Channel {
  private readonly parts: ChannelParts
  private readonly topics = new Map<string, { readonly topic: Topic; readonly hears: Set<Hear> }>()
  private watch: Watch | undefined
  private applied = ''
  private accepted: ReadonlySet<string> = new Set()
  private refusals: Accepted['refusals']
  private tail: Promise<void> = Promise.resolve()
  private closed = false

  constructor(parts: ChannelParts) {
    this.parts = parts
  }

  get upstream(): Upstream {
    return this.parts.upstream
  }

  /** Resolves to those of the topics that the upstream took. */
  async join(topics: readonly Topic[], hear: Hear): Promise<readonly Topic[]> {
    for (const topic of topics) {
      const key = keyOf(topic)
      const entry = this.topics.get(key)
      if (entry === undefined) this.topics.set(key, { topic, hears: new Set([hear]) })
      else entry.hears.add(hear)
    }
    await this.apply()
    return topics.filter((topic) => this.accepted.has(keyOf(topic)))
  }

  /** What the upstream said of a topic that it did not take. */
  refusalOf({ about, id }: Topic): Fault | undefined {
    return about === 'uri' ? this.refusals?.get(id) : undefined
  }

  leave(topics: readonly Topic[], hear: Hear): void {
    for (const topic of topics) {
      const key = keyOf(topic)
      const entry = this.topics.get(key)
      entry?.hears.delete(hear)
      if (entry?.hears.size === 0) this.topics.delete(key)
    }
    if (this.topics.size === 0) this.close()
    else inBackground(this.parts.report, 'upstream_events', this.apply())
  }

  private close(): void {
    if (this.closed) return
    this.closed = true
    this.watch?.close()
    this.parts.emptied()
  }

  /** One change at a time, each with the set of its moment. */
  private apply(): Promise<void> {
    this.tail = this.tail.then(() => this.update())
    return this.tail
  }

  private async update(): Promise<void> {
    if (this.closed) return
    const keys = [...this.topics.keys()].sort()
    const wanted = JSON.stringify(keys)
    if (wanted === this.applied) return
    this.watch ??= this.parts.upstream.watch({}, (event) => this.hear(event), this.parts.owner)
    const took = await this.bounded(this.watch.update(this.interest()))
    if (took === undefined) {
      // Tried again with the next change of the set; until then nothing new counts as taken.
      this.accepted = new Set(keys.filter((key) => this.accepted.has(key)))
      return
    }
    this.applied = wanted
    this.refusals = took.refusals
    this.accepted = new Set([
      ...(took.resourceSubscriptions ?? []).map((id) => keyOf({ about: 'uri', id })),
      ...(took.taskIds ?? []).map((id) => keyOf({ about: 'task', id })),
    ])
  }

  private interest(): Interest {
    const ids = (about: Topic['about']): string[] =>
      [...this.topics.values()].filter(({ topic }) => topic.about === about).map(({ topic }) => topic.id)
    const uris = ids('uri')
    const tasks = ids('task')
    return { ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }), ...(tasks.length === 0 ? {} : { taskIds: tasks }) }
  }

  /** Undefined where the upstream did not answer in time or failed. */
  private async bounded(update: Promise<Accepted>): Promise<Accepted | undefined> {
    let late: () => void = () => undefined
    const slow = new Promise<undefined>((resolve) => {
      late = () => resolve(undefined)
    })
    const timer = this.parts.clock.timer(updateMs, late)
    try {
      const took = await Promise.race([update, slow])
      if (took === undefined) this.warn(`not within ${updateMs} ms`)
      return took
    } catch (error) {
      this.warn(String(error))
      return undefined
    } finally {
      timer.cancel()
    }
  }

  private warn(reason: string): void {
    this.parts.report.log('warn', 'A server did not take subscriptions', { upstream: this.parts.upstream.id, reason })
  }

  private hear(event: CallEvent): void {
    const topic = topicOf(event)
    const entry = topic === undefined ? undefined : this.topics.get(keyOf(topic))
    if (entry === undefined) return
    for (const hear of entry.hears) {
      try {
        hear(entry.topic, event)
      } catch (bug) {
        reportBug(this.parts.report, 'upstream_events', bug, { upstream: this.parts.upstream.id })
      }
    }
  }
}

function topicOf(event: CallEvent): Topic | undefined {
  if (event.kind === 'updated') return { about: 'uri', id: event.uri }
  if (event.kind !== 'extension') return undefined
  const [found] = carriedIn('notification', event.method, event.params.json())
  return found?.carries === 'task' ? { about: 'task', id: found.value } : undefined
}

export function keyOf({ about, id }: Topic): string {
  return `${about} ${id}`
}
