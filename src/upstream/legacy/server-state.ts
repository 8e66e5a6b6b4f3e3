// What a session-era server keeps for a connection once it was asked: the log level, and the resources whose updates it tells.
import { type LogLevel, logLevels } from '../../core/call/call.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Asked } from '../connection.ts'

export class ServerState {
  private readonly ask: (method: string, params: Payload) => Promise<Asked>
  private readonly uris = new Set<string>()
  private level: LogLevel | undefined
  private levelling: Promise<void> = Promise.resolve()

  constructor(ask: (method: string, params: Payload) => Promise<Asked>) {
    this.ask = ask
  }

  /** Resolves when the server logs at least from `wanted` on. A level is never raised again: other calls may want it. */
  lowerLevel(wanted: LogLevel): Promise<void> {
    if (this.level === undefined || logLevels.indexOf(wanted) < logLevels.indexOf(this.level)) {
      this.level = wanted
      const before = this.levelling
      this.levelling = before.then(async () => {
        await this.ask('logging/setLevel', payloadOf({ level: wanted }))
      })
    }
    return this.levelling
  }

  /** Subscribes to exactly these; resolves to those that the server took, and what it said of the others. */
  async subscribe(wanted: readonly string[]): Promise<{ taken: readonly string[]; refusals: ReadonlyMap<string, Fault> }> {
    const refusals = new Map<string, Fault>()
    await Promise.all([...this.uris].filter((uri) => !wanted.includes(uri)).map((uri) => this.drop(uri)))
    await Promise.all(wanted.filter((uri) => !this.uris.has(uri)).map((uri) => this.take(uri, refusals)))
    return { taken: [...this.uris], refusals }
  }

  private async take(uri: string, refusals: Map<string, Fault>): Promise<void> {
    const asked = await this.ask('resources/subscribe', payloadOf({ uri }))
    if (asked.kind === 'result') this.uris.add(uri)
    else refusals.set(uri, asked.fault)
  }

  private async drop(uri: string): Promise<void> {
    this.uris.delete(uri)
    await this.ask('resources/unsubscribe', payloadOf({ uri }))
  }
}
