// The watches on one connection: what all of them want together is heard once, and each hears its part. It outlives the connection.
import type { Accepted, CallEvent, Interest } from '../../core/call/exchange.ts'
import { inBackground, reportBug } from '../../core/ports/boundary.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Watch } from '../../core/ports/upstream.ts'
import type { Connection } from '../connection.ts'
import { changesOf, commonOf, hears, unionOf } from '../messages/events.ts'

type Changed = Extract<CallEvent, { kind: 'changed' }>

interface Watcher {
  interest: Interest
  readonly on: (event: CallEvent) => void
}

export class Watching {
  /** The first watch was opened: it needs a connection. Set once. */
  onFirst: () => void = () => {}
  /** A list changed, whoever watches here: servers tell it to the session that they changed it for. Set once. */
  onChanged: (event: Changed) => void = () => {}
  /** The connection is another one than before. Set once. */
  onNew: () => void = () => {}

  private readonly report: Report
  private readonly watchers = new Set<Watcher>()
  private connection: Connection | undefined
  private accepted: Accepted = {}
  private serverMessages: Promise<void> = Promise.resolve()
  private known: string | undefined
  private readonly waiting: (() => void)[] = []

  constructor(report: Report) {
    this.report = report
  }

  get size(): number {
    return this.watchers.size
  }

  open(interest: Interest, on: (event: CallEvent) => void): Watch {
    const watcher: Watcher = { interest, on }
    this.watchers.add(watcher)
    if (this.watchers.size === 1) this.onFirst()
    this.refreshSoon()
    return {
      update: async (next) => {
        watcher.interest = next
        // Without a connection the answer waits for the end of the attempt to make one; the interest stands whatever came of it.
        if (this.connection === undefined) await new Promise<void>((resolve) => this.waiting.push(resolve))
        await this.refresh()
        const { refusals } = this.accepted
        return refusals === undefined ? commonOf(next, this.accepted) : { ...commonOf(next, this.accepted), refusals }
      },
      close: () => {
        if (!this.watchers.delete(watcher)) return
        this.refreshSoon()
      },
    }
  }

  /** A connection came; `again`: after an earlier one was lost, so that changes may have been missed. */
  attach(connection: Connection, again: boolean): void {
    this.connection = connection
    this.known = undefined
    this.tried()
    connection.onEvent = (event) => {
      if (this.connection !== connection) return
      this.tell(event)
      if (event.kind === 'changed') this.onChanged(event)
    }
    const told = this.refresh().then(() => {
      if (!again || this.connection !== connection) return
      this.onNew()
      for (const event of changesOf({ toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true })) this.tell(event)
    })
    inBackground(this.report, 'upstream_events', told)
  }

  /** An attempt to connect ended, well or not. */
  tried(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  detach(): void {
    this.connection = undefined
    this.accepted = {}
  }

  /** What one of them throws keeps it from no other. */
  tell(event: CallEvent): void {
    for (const { interest, on } of this.watchers) {
      try {
        if (hears(interest, event)) on(event)
      } catch (bug) {
        reportBug(this.report, 'upstream_events', bug)
      }
    }
  }

  private refreshSoon(): void {
    inBackground(this.report, 'upstream_events', this.refresh())
  }

  /** One change of the common interest at a time; those that come meanwhile are made by the next. */
  private refresh(): Promise<void> {
    this.serverMessages = this.serverMessages.then(async () => {
      const { connection } = this
      if (connection === undefined) return
      const union = unionOf([...this.watchers].map((watcher) => watcher.interest))
      const text = JSON.stringify(union)
      if (text === this.known) return
      this.known = text
      const accepted = await connection.hear(union)
      if (this.connection === connection) this.accepted = accepted
    })
    return this.serverMessages
  }
}
