// An upstream at the port whose every move a test decides: what it lists, when it is there, what it announces. For tests of what stands
// before the port; exits have tests against real servers.
import type { TargetedCall } from '../../../src/core/call/call.ts'
import type { CallEvent, Interest } from '../../../src/core/call/exchange.ts'
import type { ItemKind } from '../../../src/core/call/item.ts'
import { complete, type Outcome, unscanned } from '../../../src/core/call/outcome.ts'
import { type Payload, payload, payloadOf } from '../../../src/core/call/payload.ts'
import { fault } from '../../../src/core/faults/catalogue.ts'
import type { Fault } from '../../../src/core/faults/fault.ts'
import {
  type Upstream,
  type UpstreamDescription,
  UpstreamFault,
  type UpstreamHealth,
  type Watch,
} from '../../../src/core/ports/upstream.ts'

export interface Script {
  readonly capabilities?: Readonly<Record<string, unknown>>
  readonly instructions?: string
  /** Definitions: JSON text as is, other values serialised. */
  readonly tools?: readonly unknown[]
  readonly prompts?: readonly unknown[]
  readonly resources?: readonly unknown[]
  readonly templates?: readonly unknown[]
  readonly skills?: readonly unknown[]
}

const everything = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
}

export class ScriptedUpstream implements Upstream {
  readonly id: string
  readonly sent: TargetedCall[] = []
  readonly pulls: ItemKind[] = []
  readonly watches: { interest: Interest; on: (event: CallEvent) => void; open: boolean }[] = []
  lists: Record<ItemKind, readonly unknown[]>
  description: UpstreamDescription
  answer: (call: TargetedCall) => Outcome = () => complete(payloadOf({ content: [] }), unscanned(14))
  /** Takes what it is asked to watch; a test may narrow it. */
  accept: (interest: Interest) => Promise<Interest> = (interest) => Promise.resolve(interest)
  failing = new Set<ItemKind>()
  hanging = new Set<ItemKind>()
  /** How a list ends after what it has; by itself where nothing is said. */
  readonly ends = new Map<ItemKind, Error>()
  private state: UpstreamHealth['state'] = 'ready'
  private reason: string | undefined
  private readonly listeners = new Set<() => void>()

  constructor(id: string, script: Script = {}) {
    this.id = id
    this.lists = {
      tool: script.tools ?? [],
      prompt: script.prompts ?? [],
      resource: script.resources ?? [],
      template: script.templates ?? [],
      skill: script.skills ?? [],
    }
    this.description = {
      transport: 'stdio',
      revision: '2025-11-25',
      identity: { name: `${id}-server`, version: '1.0.0' },
      capabilities: script.capabilities ?? everything,
      instructions: script.instructions,
    }
  }

  describe(): UpstreamDescription {
    return this.description
  }

  health(): UpstreamHealth {
    return { state: this.state, reason: this.reason, sinceMs: 0, connections: 1, restarts: 0, inFlight: 0 }
  }

  /** Moves to a state and tells of it; a state other than ready holds `ready()` up (connecting) or fails it. */
  become(state: UpstreamHealth['state'], reason?: string): this {
    this.state = state
    this.reason = reason
    for (const listener of [...this.listeners]) listener()
    return this
  }

  ready(signal: AbortSignal): Promise<Fault | undefined> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.state === 'connecting' && !signal.aborted) return
        this.listeners.delete(look)
        signal.removeEventListener('abort', look)
        resolve(this.state === 'ready' ? undefined : fault('upstream_unavailable', { upstream: this.id, reason: this.reason ?? 'is away' }))
      }
      this.listeners.add(look)
      signal.addEventListener('abort', look, { once: true })
      look()
    })
  }

  async *items(kind: ItemKind, signal: AbortSignal): AsyncIterable<Payload> {
    this.pulls.push(kind)
    if (this.hanging.has(kind)) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    if (this.failing.has(kind)) throw new UpstreamFault(fault('upstream_error', { upstream: this.id, reason: `${kind} is broken` }))
    for (const definition of this.lists[kind]) {
      yield typeof definition === 'string' ? payload(Buffer.from(definition)) : payloadOf(definition)
    }
    const end = this.ends.get(kind)
    if (end !== undefined) throw end
  }

  /** Lists of tools that single sessions get. */
  readonly own = new Map<string, readonly unknown[]>()
  /** Sessions that were listed. */
  readonly ownPulls: string[] = []

  async *sessionItems(kind: ItemKind, _signal: AbortSignal, session: string): AsyncIterable<Payload> {
    this.ownPulls.push(`${session} ${kind}`)
    const own = kind === 'tool' ? this.own.get(session) : undefined
    if (own === undefined) throw new UpstreamFault(fault('cancelled', { reason: 'the session has no connection' }))
    for (const definition of own) yield payloadOf(definition)
  }

  send(call: TargetedCall): Promise<Outcome> {
    this.sent.push(call)
    return Promise.resolve(this.answer(call))
  }

  watch(interest: Interest, on: (event: CallEvent) => void): Watch {
    const watch = { interest, on, open: true }
    this.watches.push(watch)
    return {
      update: (next) => {
        watch.interest = next
        return this.accept(next)
      },
      close: () => {
        watch.open = false
      },
    }
  }

  /** Sends an event to every open watch. */
  tell(event: CallEvent): void {
    for (const watch of this.watches) if (watch.open) watch.on(event)
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  drain(): Promise<void> {
    this.become('drained')
    return Promise.resolve()
  }
}

export function tool(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, description: `The tool ${name}`, inputSchema: { type: 'object', properties: {} }, ...more }
}
